//! What a request gets: decided at once, before anything of the answer is sent.

use std::time::Duration;

use http::HeaderMap;

use crate::call::Call;
use crate::compose;
use crate::fault::{BodyHarm, BodyHarmKind, Harm, HeadHarm};
use crate::format::{Format, Reply};
use crate::limit;
use crate::listing;
use crate::oauth::{Grant, TokenRequest};
use crate::pace::Pace;
use crate::readings;
use crate::refusal::Refusal;
use crate::route::Operation;
use crate::script::Hint;
use crate::shape::{Particulars, Shape};
use crate::shared::{Admission, Cell, Identity, Shared};
use crate::visit::Visit;

/// The wait that a scripted error tells where its fault sets none.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// What is to be answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Refuse(Refusal),
    Json(String),
    Model(Box<ModelAnswer>),
    /// A web page with this code.
    Html(u16),
    Reset,
    Garbage,
    Hang,
}

/// The answer of a model, and what happens to it.
#[derive(Debug)]
pub(crate) struct ModelAnswer {
    pub(crate) reply: Reply,
    pub(crate) stream: bool,
    /// Readings of the quota.
    pub(crate) headers: HeaderMap,
    pub(crate) pace: Pace,
    pub(crate) harm: Option<BodyHarm>,
}

/// One request that is being decided.
pub(crate) struct Case<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) call: &'a Call,
    pub(crate) request_id: String,
}

impl<'a> Case<'a> {
    pub(crate) fn new(shared: &'a Shared, call: &'a Call, sequence: u64) -> Self {
        Self { shared, call, request_id: format!("req_{}", compose::id(shared, sequence)) }
    }

    /// The order is that of a provider: faults of the way there, who is asking, what is asked, quota.
    pub(crate) fn decide(&self, visit: &mut Visit) -> Answer {
        if let Some(harm) = self.shared.strike(Harm::head, &self.call.traits(self.shared)) {
            return self.harmed(harm);
        }
        let Some(operation) = &self.call.operation else { return self.refuse(Shape::NotFound) };
        if *operation == Operation::Token {
            return self.token();
        }
        let Some(identity) = self.call.identity(self.shared).filter(|identity| !identity.refused) else {
            return self.refuse(Shape::Unauthorized);
        };
        if let Some(shape) = self.call.complaint {
            return self.refuse(shape);
        }
        match self.call.cell(self.shared) {
            Some(cell) => self.of_cell(operation, identity, cell, visit),
            None => self.refuse(Shape::Unlicensed),
        }
    }

    fn of_cell(&self, operation: &Operation, identity: &Identity, cell: &Cell, visit: &mut Visit) -> Answer {
        match operation {
            Operation::Generate { format, .. } => self.generate(*format, cell, visit),
            Operation::CountTokens(format) => Answer::Json(self.token_count(*format)),
            Operation::Models { gemini } => Answer::Json(self.models(*gemini)),
            Operation::LoadCodeAssist => Answer::Json(listing::load_code_assist(identity)),
            Operation::OnboardUser => Answer::Json(listing::onboard_user(identity)),
            Operation::UserQuota => Answer::Json(listing::user_quota(self.shared, cell)),
            Operation::AvailableModels => Answer::Json(listing::available_models(self.shared, cell)),
            Operation::Usage => Answer::Json(listing::usage(self.shared, cell)),
            Operation::Token => self.token(),
        }
    }

    fn generate(&self, format: Format, cell: &Cell, visit: &mut Visit) -> Answer {
        let tokens = u32::try_from(compose::input_tokens(self.call)).unwrap_or(u32::MAX);
        let admission = cell.admit(tokens, self.shared.clock.now());
        let Admission { verdict, hint, levels, .. } = &admission;
        let particulars = self.particulars(Duration::ZERO);
        if let Some(refusal) = limit::refusal(*verdict, *hint, levels, &particulars) {
            return Answer::Refuse(refusal);
        }
        visit.admitted();
        let harm = self.shared.strike(Harm::body, &self.call.traits(self.shared));
        match harm {
            Some(BodyHarm { kind: BodyHarmKind::Error(shape), .. }) if !self.call.stream => {
                self.refuse(shape)
            }
            _ => self.model_answer(format, admission, harm, visit.sequence),
        }
    }

    fn model_answer(
        &self,
        format: Format,
        admission: Admission,
        harm: Option<BodyHarm>,
        sequence: u64,
    ) -> Answer {
        let headers = match admission.hint {
            Hint::Full | Hint::Overlong(_) => readings::headers(format, &admission.levels, self.unix()),
            Hint::HeaderOnly | Hint::Bare | Hint::Wrong(_) => HeaderMap::new(),
        };
        let pace = admission.pace.unwrap_or_else(|| self.shared.pace().clone());
        let reply = compose::reply(self.shared, self.call, format, sequence, &pace);
        Answer::Model(Box::new(ModelAnswer { reply, stream: self.call.stream, headers, pace, harm }))
    }

    fn token(&self) -> Answer {
        let request = TokenRequest::read(&self.call.body);
        let mut roster = self.shared.roster_mut();
        match self.shared.tokens().grant(&request, &mut roster, self.shared.clock.now()) {
            Grant::Give(json) => Answer::Json(json),
            Grant::Refuse(refusal) => Answer::Refuse(refusal),
            Grant::Html => Answer::Html(200),
            Grant::Hang => Answer::Hang,
        }
    }

    fn token_count(&self, format: Format) -> String {
        let tokens = compose::input_tokens(self.call);
        match format {
            Format::Anthropic => format!(r#"{{"input_tokens":{tokens}}}"#),
            Format::OpenaiChat | Format::OpenaiResponses | Format::Gemini | Format::CodeAssist => {
                format!(r#"{{"totalTokens":{tokens}}}"#)
            }
        }
    }

    fn models(&self, gemini: bool) -> String {
        match (gemini || self.call.speaks_google, self.call.speaks_anthropic) {
            (true, _) => listing::gemini_models(&self.shared.models),
            (false, true) => listing::anthropic_models(&self.shared.models),
            (false, false) => listing::openai_models(&self.shared.models),
        }
    }

    fn harmed(&self, harm: HeadHarm) -> Answer {
        match harm {
            HeadHarm::Status { shape, code, retry } => Answer::Refuse(self.scripted(shape, code, retry)),
            HeadHarm::Html { code } => Answer::Html(code),
            HeadHarm::Reset => Answer::Reset,
            HeadHarm::Garbage => Answer::Garbage,
            HeadHarm::Hang => Answer::Hang,
        }
    }

    fn scripted(&self, shape: Shape, code: Option<u16>, retry: Option<Duration>) -> Refusal {
        let particulars = self.particulars(retry.unwrap_or(DEFAULT_WAIT));
        let mut refusal = shape.refusal(&particulars);
        if retry.is_some() {
            refusal = limit::told(refusal, shape, &particulars);
        }
        Refusal { code: code.unwrap_or(refusal.code), ..refusal }
    }

    fn refuse(&self, shape: Shape) -> Answer {
        Answer::Refuse(self.refusal(shape))
    }

    /// An error of this shape for this request.
    pub(crate) fn refusal(&self, shape: Shape) -> Refusal {
        shape.refusal(&self.particulars(DEFAULT_WAIT))
    }

    fn particulars(&self, wait: Duration) -> Particulars<'_> {
        let format = self.call.format();
        Particulars {
            format,
            code_assist: format == Format::CodeAssist || self.call.named_pool.is_some(),
            model: self.call.model.as_deref().unwrap_or(""),
            wait,
            unix: self.unix(),
            request_id: &self.request_id,
        }
    }

    fn unix(&self) -> Duration {
        self.shared.clock.unix(self.shared.clock.now())
    }
}
