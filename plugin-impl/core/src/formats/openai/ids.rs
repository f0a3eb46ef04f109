//! The ids of OpenAI's API.

use crate::formats::format::ids::{IdField, Ids};
use crate::formats::made_ids::{self, FILE};

pub(super) const IDS: Ids = Ids {
    in_answers: |resource, _| made_ids::in_answers(resource),
    in_requests,
    prefixes: &[
        "batch_", "upload_", "vs_", "vsfb_", "ftjob-", "ftckpt_", "eval_", "evalrun_", "cntr_", "asst_",
        "thread_", "video_",
    ],
    folders: &[],
};

const OF_CHAT: [IdField; 1] = [FILE];

fn in_requests(resource: &str) -> Option<&'static [IdField]> {
    Some(if resource == "chat" { &OF_CHAT } else { made_ids::in_requests(resource) })
}
