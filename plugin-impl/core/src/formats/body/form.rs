//! The model in a form (`multipart/form-data`, RFC 7578), the format of audio and picture uploads.

use std::ops::Range;

use memchr::memmem;

/// The longest examined header of a part.
const MOST_HEAD: usize = 4_096;

/// Returns the range of the value of the field `model` in a form with this `content-type`.
pub fn model_in_form(body: &[u8], content_type: &str) -> Option<Range<usize>> {
    let delimiter = format!("--{}", boundary(content_type)?);
    let finder = memmem::Finder::new(&delimiter);
    let mut parts = finder.find_iter(body).map(|at| at + delimiter.len());
    let begin = parts.find_map(|part| value_of_model(body, part))?;
    let end = begin + memmem::find(&body[begin..], format!("\r\n{delimiter}").as_bytes())?;
    Some(begin..end)
}

/// Returns the boundary of a form, or none for another type.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut named = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, boundary) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim().trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Returns the begin of a part's value, if the part is the model.
fn value_of_model(body: &[u8], part: usize) -> Option<usize> {
    let head = &body[part..body.len().min(part + MOST_HEAD)];
    let length = memmem::find(head, b"\r\n\r\n")?;
    let is_model = |name: &[u8]| memmem::find(&head[..length], name).is_some();
    // `filename="…"` has the same letters in it, and no field of a form is called so.
    (is_model(br#"; name="model""#)
        || is_model(b"; name=model\r")
        || head[..length].ends_with(b"; name=model"))
    .then_some(part + length + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\
        Content-Type: audio/wav\r\n\r\n\u{1} name=\"model\"\r\n\r\nno\r\n--X\r\n\
        Content-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--X--\r\n";

    fn model(body: &str, content_type: &str) -> Option<String> {
        model_in_form(body.as_bytes(), content_type).map(|range| body[range].to_owned())
    }

    #[test]
    fn the_model_is_found_by_the_head_of_its_part() {
        for content_type in
            ["multipart/form-data; boundary=X", "Multipart/Form-Data; charset=utf-8; boundary=\"X\""]
        {
            assert_eq!(model(FORM, content_type).as_deref(), Some("whisper-1"), "{content_type}");
        }
        let bare = FORM.replace("; name=\"model\"\r", "; name=model\r");
        assert_eq!(model(&bare, "multipart/form-data; boundary=X").as_deref(), Some("whisper-1"));
    }

    #[test]
    fn what_is_no_form_or_has_no_model_has_none() {
        for (body, content_type) in [
            (FORM, "application/json"),
            (FORM, "multipart/form-data"),
            (FORM, "multipart/form-data; boundary=Y"),
            ("--X\r\n\r\n", "multipart/form-data; boundary=X"),
            (
                "--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ncut",
                "multipart/form-data; boundary=X",
            ),
        ] {
            assert_eq!(model(body, content_type), None, "{body}");
        }
    }
}
