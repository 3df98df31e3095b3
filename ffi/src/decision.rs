use crate::error::fill;
use crate::guard::{answer, free};
use crate::rules::tactful_pair;
use crate::text::{TACTFUL_NO_TIME, Text, lend, tactful_text};
use std::sync::OnceLock;
use tactful::Decision;
use tactful::decide::{Answer, Gate};

/// Ranked offers.
pub const TACTFUL_ANSWER_OFFERS: i32 = 1;
/// The placement's message for everybody.
pub const TACTFUL_ANSWER_FALLBACK: i32 = 2;
/// Nothing is shown.
pub const TACTFUL_ANSWER_SILENCE: i32 = 3;

/// A purpose is not permitted.
pub const TACTFUL_GATE_CONSENT: i32 = 1;
/// Not yet or no longer valid.
pub const TACTFUL_GATE_VALIDITY: i32 = 2;
/// The customer may not have it.
pub const TACTFUL_GATE_ELIGIBLE: i32 = 3;
/// It makes no sense now.
pub const TACTFUL_GATE_APPLICABLE: i32 = 4;
/// It would not be good for the customer.
pub const TACTFUL_GATE_SUITABLE: i32 = 5;
/// The contact policy holds it back.
pub const TACTFUL_GATE_CONTACT: i32 = 6;
/// It has no score.
pub const TACTFUL_GATE_SCORE: i32 = 7;
/// Its message cannot be written.
pub const TACTFUL_GATE_MESSAGE: i32 = 8;
/// Another took the slot.
pub const TACTFUL_GATE_OUTRANKED: i32 = 9;
/// It passed.
pub const TACTFUL_GATE_CHOSEN: i32 = 10;
/// The host is not sure enough who is there. Passed after consent; its number is the last because it came last.
pub const TACTFUL_GATE_ASSURANCE: i32 = 11;
/// An experiment holds it back for the sake of comparison. Passed after the contact policy.
pub const TACTFUL_GATE_EXPERIMENT: i32 = 12;
/// There is none left, or no money for it. Passed before the contact policy.
pub const TACTFUL_GATE_INVENTORY: i32 = 13;
/// There are not enough items for it to carry. Passed after experiments and before the score.
pub const TACTFUL_GATE_ITEMS: i32 = 14;

/// The answer to a request: for each placement ranked offers with their messages, a fallback, or silence. Never changes.
#[derive(Debug)]
pub struct tactful_decision {
    pub(crate) decision: Decision,
    id: Text,
    customer: Text,
    placements: Vec<Placement>,
    assigned: Vec<Assigned>,
    candidates: Vec<Candidate>,
    json: OnceLock<Text>,
    trace: OnceLock<Option<Text>>,
}

#[derive(Debug)]
struct Placement {
    name: Text,
    channel: Text,
    kind: i32,
    reason: Text,
    fallback: Option<Text>,
    offers: Vec<Offer>,
    held: Vec<(Text, i64)>,
}

#[derive(Debug)]
struct Offer {
    name: Text,
    score: f64,
    probability: f64,
    message: Text,
    at: i64,
    headers: Vec<(Text, Text)>,
    why: Vec<Text>,
}

#[derive(Debug)]
struct Assigned {
    experiment: Text,
    variant: Text,
}

#[derive(Debug)]
struct Candidate {
    placement: Text,
    offer: Text,
    gate: Gate,
    unknown: bool,
    reasons: Vec<Text>,
    score: Option<tactful::decide::Score>,
}

/// What a placement gets. Its texts are borrowed from the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_placement {
    /// The placement.
    pub name: tactful_text,
    /// Its channel.
    pub channel: tactful_text,
    /// In short: how many candidates there were, and which gates stopped how many.
    pub reason: tactful_text,
    /// The message for everybody; none unless `kind` is TACTFUL_ANSWER_FALLBACK.
    pub fallback: tactful_text,
    /// How many offers were chosen; 0 unless `kind` is TACTFUL_ANSWER_OFFERS.
    pub offers: usize,
    /// TACTFUL_ANSWER_OFFERS, TACTFUL_ANSWER_FALLBACK or TACTFUL_ANSWER_SILENCE.
    pub kind: i32,
}

/// An offer that was chosen. Its texts are borrowed from the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_offer {
    /// The offer.
    pub name: tactful_text,
    /// The rendered message.
    pub message: tactful_text,
    /// Propensity x context x value x lever, or what the formula says.
    pub score: f64,
    /// How probable it was that the slot went to this offer; NaN unless offers are explored.
    pub probability: f64,
    /// When it is to be sent, where quiet hours move it, in microseconds since 1970-01-01T00:00:00Z; TACTFUL_NO_TIME for at once.
    pub at: i64,
}

/// An offer that waits. Its text is borrowed from the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_held {
    /// The offer.
    pub offer: tactful_text,
    /// The first instant at which it may be sent, in microseconds since 1970-01-01T00:00:00Z; what else holds then is to be asked then.
    pub until: i64,
}

/// The part that the customer has in an experiment. Its texts are borrowed from the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_assigned {
    /// The experiment.
    pub experiment: tactful_text,
    /// The variant, or "holdout".
    pub variant: tactful_text,
}

/// What became of one offer for one placement. Its texts are borrowed from the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_candidate {
    /// The placement.
    pub placement: tactful_text,
    /// The offer.
    pub offer: tactful_text,
    /// The name of the gate, such as "eligible".
    pub gate_name: tactful_text,
    /// How many reasons there are, see tactful_decision_reason.
    pub reasons: usize,
    /// How likely the customer responds; the factors count only when `scored`.
    pub propensity: f64,
    /// How well it fits the moment.
    pub context: f64,
    /// What a response is worth.
    pub value: f64,
    /// What the organisation wants to push.
    pub lever: f64,
    /// The product of the factors.
    pub total: f64,
    /// The first gate that stopped it, TACTFUL_GATE_CONSENT and so on, or TACTFUL_GATE_CHOSEN.
    pub gate: i32,
    /// Whether a fact that is not known stopped it, rather than one that is.
    pub unknown: bool,
    /// Whether it came so far that it has a score.
    pub scored: bool,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<tactful_placement>() == 80 && offset_of!(tactful_placement, kind) == 72);
    assert!(size_of::<tactful_assigned>() == 32 && offset_of!(tactful_assigned, variant) == 16);
    assert!(size_of::<tactful_offer>() == 56 && offset_of!(tactful_offer, at) == 48);
    assert!(size_of::<tactful_held>() == 24 && offset_of!(tactful_held, until) == 16);
    assert!(
        size_of::<tactful_candidate>() == 104
            && offset_of!(tactful_candidate, gate) == 96
            && offset_of!(tactful_candidate, scored) == 101
    );
};

/// A gate's constant and its name.
fn named(gate: Gate) -> (i32, tactful_text) {
    let (number, name) = match gate {
        Gate::Consent => (TACTFUL_GATE_CONSENT, c"consent"),
        Gate::Assurance => (TACTFUL_GATE_ASSURANCE, c"assurance"),
        Gate::Validity => (TACTFUL_GATE_VALIDITY, c"validity"),
        Gate::Eligible => (TACTFUL_GATE_ELIGIBLE, c"eligible"),
        Gate::Applicable => (TACTFUL_GATE_APPLICABLE, c"applicable"),
        Gate::Suitable => (TACTFUL_GATE_SUITABLE, c"suitable"),
        Gate::Inventory => (TACTFUL_GATE_INVENTORY, c"inventory"),
        Gate::Contact => (TACTFUL_GATE_CONTACT, c"contact"),
        Gate::Experiment => (TACTFUL_GATE_EXPERIMENT, c"experiment"),
        Gate::Items => (TACTFUL_GATE_ITEMS, c"items"),
        Gate::Score => (TACTFUL_GATE_SCORE, c"score"),
        Gate::Message => (TACTFUL_GATE_MESSAGE, c"message"),
        Gate::Outranked => (TACTFUL_GATE_OUTRANKED, c"outranked"),
        Gate::Chosen => (TACTFUL_GATE_CHOSEN, c"chosen"),
    };
    (number, tactful_text::of(name))
}

impl tactful_decision {
    pub(crate) fn new(decision: Decision) -> Self {
        let placements = decision.placements.iter().map(Placement::new).collect();
        let candidates = decision.trace.iter().flat_map(|trace| &trace.candidates).map(Candidate::new).collect();
        let assigned = decision
            .assigned
            .iter()
            .map(|assigned| Assigned { experiment: Text::new(&*assigned.experiment), variant: Text::new(&*assigned.variant) });
        let assigned = assigned.collect();
        let (id, customer) = (Text::new(&*decision.id), Text::new(&*decision.customer));
        tactful_decision {
            decision,
            id,
            customer,
            placements,
            assigned,
            candidates,
            json: OnceLock::new(),
            trace: OnceLock::new(),
        }
    }
}

impl Placement {
    fn new(answer: &tactful::decide::PlacementAnswer) -> Self {
        let (kind, fallback) = match &answer.answer {
            Answer::Offers { .. } => (TACTFUL_ANSWER_OFFERS, None),
            Answer::Fallback { message } => (TACTFUL_ANSWER_FALLBACK, Some(Text::new(&**message))),
            Answer::Silence => (TACTFUL_ANSWER_SILENCE, None),
        };
        let offers = answer.offers().iter().map(|ranked| Offer {
            name: Text::new(&*ranked.offer),
            score: ranked.score,
            probability: ranked.probability.unwrap_or(f64::NAN),
            message: Text::new(&*ranked.message),
            at: ranked.at.map_or(TACTFUL_NO_TIME, tactful::Timestamp::micros),
            headers: ranked.headers.iter().map(|(name, text)| (Text::new(&**name), Text::new(&**text))).collect(),
            why: ranked.why.iter().map(|line| Text::new(&**line)).collect(),
        });
        let held = answer.held.iter().map(|held| (Text::new(&*held.offer), held.until.micros())).collect();
        let (name, channel, reason) = (Text::new(&*answer.placement), Text::new(&*answer.channel), Text::new(&*answer.reason));
        Placement { name, channel, kind, reason, fallback, offers: offers.collect(), held }
    }

    fn lend(&self) -> tactful_placement {
        tactful_placement {
            name: self.name.lend(),
            channel: self.channel.lend(),
            reason: self.reason.lend(),
            fallback: lend(self.fallback.as_ref()),
            offers: self.offers.len(),
            kind: self.kind,
        }
    }
}

impl Candidate {
    fn new(candidate: &tactful::decide::Candidate) -> Self {
        Candidate {
            placement: Text::new(&*candidate.placement),
            offer: Text::new(&*candidate.offer),
            gate: candidate.gate,
            unknown: candidate.unknown,
            reasons: candidate.reasons.iter().map(|reason| Text::new(&**reason)).collect(),
            score: candidate.score,
        }
    }

    fn lend(&self) -> tactful_candidate {
        let (gate, gate_name) = named(self.gate);
        let factor = |read: fn(&tactful::decide::Score) -> f64| self.score.as_ref().map_or(0.0, read);
        tactful_candidate {
            placement: self.placement.lend(),
            offer: self.offer.lend(),
            gate_name,
            reasons: self.reasons.len(),
            propensity: factor(|score| score.propensity),
            context: factor(|score| score.context),
            value: factor(|score| score.value),
            lever: factor(|score| score.lever),
            total: factor(|score| score.total),
            gate,
            unknown: self.unknown,
            scored: self.score.is_some(),
        }
    }
}

/// Reads text of a decision that may be null.
unsafe fn text(decision: *const tactful_decision, read: impl FnOnce(&tactful_decision) -> tactful_text) -> tactful_text {
    // SAFETY: by contract `decision` is null or a live decision.
    let decision = unsafe { decision.as_ref() };
    answer(tactful_text::NONE, || decision.map_or(tactful_text::NONE, read))
}

/// The decision's id, the same for the same playbook, customer, instants and request. Borrowed from the decision. None for null.
///
/// Thread-safe, as are all accessors of decisions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_id(decision: *const tactful_decision) -> tactful_text {
    // SAFETY: by contract.
    unsafe { text(decision, |decision| decision.id.lend()) }
}

/// The customer's id. Borrowed from the decision. None for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_customer(decision: *const tactful_decision) -> tactful_text {
    // SAFETY: by contract.
    unsafe { text(decision, |decision| decision.customer.lend()) }
}

/// The instant of the question, in microseconds since 1970-01-01T00:00:00Z. TACTFUL_NO_TIME for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_now(decision: *const tactful_decision) -> i64 {
    // SAFETY: by contract.
    unsafe { decision.as_ref() }.map_or(TACTFUL_NO_TIME, |decision| decision.decision.now.micros())
}

/// How many placements asked. 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_placement_count(decision: *const tactful_decision) -> usize {
    // SAFETY: by contract.
    unsafe { decision.as_ref() }.map_or(0, |decision| decision.placements.len())
}

/// Fills `placement` with the answer at `index`, in the order asked. False, and nothing is written, when there is none. Its texts
/// are borrowed from the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_placement(
    decision: *const tactful_decision,
    index: usize,
    placement: *mut tactful_placement,
) -> bool {
    // SAFETY: by contract.
    unsafe { fill(placement, || decision.as_ref()?.placements.get(index).map(Placement::lend)) }
}

/// Fills `offer` with the offer in a slot, from 0, of the placement at `index`, best first. False, and nothing is written, when there
/// is none. Its texts are borrowed from the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_offer(
    decision: *const tactful_decision,
    index: usize,
    slot: usize,
    offer: *mut tactful_offer,
) -> bool {
    let lend = |offer: &Offer| {
        let Offer { name, score, probability, message, at, .. } = offer;
        tactful_offer { name: name.lend(), message: message.lend(), score: *score, probability: *probability, at: *at }
    };
    // SAFETY: by contract.
    unsafe { fill(offer, || decision.as_ref()?.placements.get(index)?.offers.get(slot).map(lend)) }
}

/// Fills `header` with what goes on a single line with the message of an offer, such as the name "subject" and its text, in the order of
/// their names. False, and nothing is written, when there is none at `header_index`. Its texts are borrowed from the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_header(
    decision: *const tactful_decision,
    index: usize,
    slot: usize,
    header_index: usize,
    header: *mut tactful_pair,
) -> bool {
    let lend = |(name, text): &(Text, Text)| tactful_pair { name: name.lend(), text: text.lend() };
    // SAFETY: by contract.
    unsafe { fill(header, || decision.as_ref()?.placements.get(index)?.offers.get(slot)?.headers.get(header_index).map(lend)) }
}

/// A line, from 0, of why an offer is made, for whoever speaks to the customer; only on channels of the format "script". Borrowed from the
/// decision. None when there is no such line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_why(
    decision: *const tactful_decision,
    index: usize,
    slot: usize,
    line: usize,
) -> tactful_text {
    let found = |decision: &tactful_decision| {
        let offer = decision.placements.get(index).and_then(|placement| placement.offers.get(slot));
        lend(offer.and_then(|offer| offer.why.get(line)))
    };
    // SAFETY: by contract.
    unsafe { text(decision, found) }
}

/// Fills `held` with an offer that quiet hours hold back in the placement at `index`, from 0. False, and nothing is written, when there is
/// none at `held_index`. Its text is borrowed from the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_held(
    decision: *const tactful_decision,
    index: usize,
    held_index: usize,
    held: *mut tactful_held,
) -> bool {
    let lend = |(offer, until): &(Text, i64)| tactful_held { offer: offer.lend(), until: *until };
    // SAFETY: by contract.
    unsafe { fill(held, || decision.as_ref()?.placements.get(index)?.held.get(held_index).map(lend)) }
}

/// Fills `assigned` with the part that the customer has in an experiment that had a say, in the order of the playbook. False, and
/// nothing is written, when there is none at `index`. Its texts are borrowed from the decision. Recording the outcome `decided` or
/// `shown` records these parts too: the customer keeps them from then on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_assigned(
    decision: *const tactful_decision,
    index: usize,
    assigned: *mut tactful_assigned,
) -> bool {
    let lend =
        |assigned: &Assigned| tactful_assigned { experiment: assigned.experiment.lend(), variant: assigned.variant.lend() };
    // SAFETY: by contract.
    unsafe { fill(assigned, || decision.as_ref()?.assigned.get(index).map(lend)) }
}

/// How many candidates were explained, over all placements; 0 for null, and unless the decision came from
/// tactful_engine_explain or tactful_base_explain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_candidate_count(decision: *const tactful_decision) -> usize {
    // SAFETY: by contract.
    unsafe { decision.as_ref() }.map_or(0, |decision| decision.candidates.len())
}

/// Fills `candidate` with what became of the candidate at `index`, in the order of placements, then of the playbook. False, and
/// nothing is written, when there is none. Its texts are borrowed from the decision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_candidate(
    decision: *const tactful_decision,
    index: usize,
    candidate: *mut tactful_candidate,
) -> bool {
    // SAFETY: by contract.
    unsafe { fill(candidate, || decision.as_ref()?.candidates.get(index).map(Candidate::lend)) }
}

/// A reason, from 0, for what became of the candidate at `index`: a sentence with the values that were read. Borrowed from the
/// decision. None when there is no such reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_reason(
    decision: *const tactful_decision,
    index: usize,
    reason: usize,
) -> tactful_text {
    // SAFETY: by contract.
    unsafe {
        text(decision, |decision| lend(decision.candidates.get(index).and_then(|candidate| candidate.reasons.get(reason))))
    }
}

/// The explanation for people, many lines. Borrowed from the decision. None unless the decision was explained.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_trace(decision: *const tactful_decision) -> tactful_text {
    let write = |decision: &tactful_decision| {
        let trace = decision.trace.get_or_init(|| decision.decision.trace.as_ref().map(|trace| Text::new(trace.to_string())));
        lend(trace.as_ref())
    };
    // SAFETY: by contract.
    unsafe { text(decision, write) }
}

/// The decision as canonical JSON: the same bytes for the same decision in every language, with all that has no function of its own: the items
/// that an offer carries, terms, tags, the length of an SMS. Borrowed from the decision. None for
/// null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_to_json(decision: *const tactful_decision) -> tactful_text {
    // SAFETY: by contract.
    unsafe { text(decision, |decision| decision.json.get_or_init(|| Text::new(decision.decision.to_json())).lend()) }
}

/// Frees a decision. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_decision_free(decision: *mut tactful_decision) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(decision) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_have_the_names_that_traces_have() {
        let gates = [
            Gate::Consent,
            Gate::Validity,
            Gate::Eligible,
            Gate::Applicable,
            Gate::Suitable,
            Gate::Contact,
            Gate::Score,
            Gate::Message,
            Gate::Outranked,
            Gate::Chosen,
            Gate::Assurance,
            Gate::Experiment,
            Gate::Inventory,
            Gate::Items,
        ];
        assert_eq!(gates.len(), Gate::ALL.len());
        for (place, gate) in gates.into_iter().enumerate() {
            let (number, name) = named(gate);
            assert_eq!(usize::try_from(number), Ok(place + 1));
            // SAFETY: static text.
            assert_eq!(unsafe { name.read("name") }.map_err(|_| ()), Ok(gate.name()));
        }
    }
}
