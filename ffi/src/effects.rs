use crate::error::fill;
use crate::guard::free;
use crate::text::{TACTFUL_NO_TIME, Text, lend, tactful_text};
use tactful::Effects;
use tactful::customer::Arrival;
use tactful::engine::{EffectKind, Effected};

/// No event arrived: only time passed.
pub const TACTFUL_ARRIVAL_NONE: i32 = 0;
/// The event was not known before.
pub const TACTFUL_ARRIVAL_NEW: i32 = 1;
/// The event was known; nothing changed.
pub const TACTFUL_ARRIVAL_DUPLICATE: i32 = 2;
/// An event with this id and other content was known, and stays.
pub const TACTFUL_ARRIVAL_CONFLICT_KEPT_OLD: i32 = 3;
/// An event with this id and other content was known, and gave way.
pub const TACTFUL_ARRIVAL_CONFLICT_KEPT_NEW: i32 = 4;

/// The customer came into a segment.
pub const TACTFUL_EFFECT_SEGMENT_ENTERED: i32 = 1;
/// The customer went out of a segment.
pub const TACTFUL_EFFECT_SEGMENT_LEFT: i32 = 2;
/// The customer moved in a journey.
pub const TACTFUL_EFFECT_STAGE_CHANGED: i32 = 3;
/// A link joined two customers.
pub const TACTFUL_EFFECT_MERGED: i32 = 4;
/// A link was revoked, and its two identifiers are of two customers.
pub const TACTFUL_EFFECT_PARTED: i32 = 5;
/// A link joins nobody, or a revocation takes nothing back.
pub const TACTFUL_EFFECT_LINK_REFUSED: i32 = 6;
/// A watched fact was known to be one thing and now is another.
pub const TACTFUL_EFFECT_CONTEXT_CHANGED: i32 = 7;
/// An instance of a journey did not begin because as many were open as the playbook allows.
pub const TACTFUL_EFFECT_JOURNEY_FULL: i32 = 8;
/// A place that was recorded under another version of a journey was taken over, or was not.
pub const TACTFUL_EFFECT_JOURNEY_MIGRATED: i32 = 9;
/// Two customers are related.
pub const TACTFUL_EFFECT_RELATED: i32 = 10;
/// Two customers are related no more.
pub const TACTFUL_EFFECT_UNRELATED: i32 = 11;
/// A relation was told that exceeds a limit.
pub const TACTFUL_EFFECT_RELATION_REFUSED: i32 = 12;
/// A reaction proposes a decision, which the host asks for.
pub const TACTFUL_EFFECT_REACTION_DUE: i32 = 13;
/// Negative feedback was not answered in time.
pub const TACTFUL_EFFECT_RESPONSE_OVERDUE: i32 = 14;

/// It happened now, or since the last time anybody looked.
pub const TACTFUL_KIND_HAPPENED: i32 = 1;
/// A late event shows that it had happened.
pub const TACTFUL_KIND_CORRECTED: i32 = 2;
/// A late event shows that it had not happened.
pub const TACTFUL_KIND_WITHDRAWN: i32 = 3;

/// What recording an event, or letting time pass, caused.
#[derive(Debug)]
pub struct tactful_effects {
    arrival: i32,
    effects: Vec<Effect>,
}

#[derive(Debug)]
struct Effect {
    id: Text,
    kind: i32,
    effect: i32,
    name: Option<Text>,
    from: Option<Text>,
    to: Option<Text>,
    at: i64,
    cause: Option<Text>,
    customer: Option<Text>,
    instance: Option<Text>,
    how: Option<Text>,
    since: i64,
    not_after: i64,
    priority: i64,
}

/// One thing that changed. Its texts are borrowed from the effects that it was asked of.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_effect {
    /// The same for the same cause, however often and in whatever order events arrive.
    pub id: tactful_text,
    /// The segment, the journey, the watch, the relation, the reaction or the feedback; why a link was refused; none for customers who
    /// were joined or parted.
    pub name: tactful_text,
    /// The stage left, or what a watched fact was; none from outside of the journey, or for a segment. Of a link the smaller identifier;
    /// of a relation that of the member, or in the first role. Of a reaction the placement.
    pub from: tactful_text,
    /// The stage entered, or what a watched fact is; none to outside of the journey, or for a segment. Of a link the larger identifier;
    /// of a relation that of the group, or in the second role. Of a reaction the channel.
    pub to: tactful_text,
    /// The id of the event that caused it; none when only time passed.
    pub cause: tactful_text,
    /// Whom it is about, when the event joined or parted customers or time passed for a whole base; none for the customer to whom the
    /// event belongs.
    pub customer: tactful_text,
    /// The key of the instance, of a journey that has one; of a reaction or feedback what tells it apart, such as an order.
    pub instance: tactful_text,
    /// How a place was taken over: "mapped", "kept", "restarted" or "derived"; of a reaction what triggered it; of a journey that is full the
    /// cap over journeys, if it is one; none for everything else.
    pub how: tactful_text,
    /// When it happened, in microseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// When a reaction was triggered, or feedback given; TACTFUL_NO_TIME for everything else.
    pub since: i64,
    /// From when on what a reaction proposes does not stand any more; TACTFUL_NO_TIME for never, and for everything else.
    pub not_after: i64,
    /// Which reaction comes first of several, the larger; 0 for everything else.
    pub priority: i64,
    /// TACTFUL_EFFECT_SEGMENT_ENTERED and so on.
    pub effect: i32,
    /// TACTFUL_KIND_HAPPENED and so on.
    pub kind: i32,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_effect>() == 168 && std::mem::offset_of!(tactful_effect, at) == 128);

impl tactful_effects {
    /// The effects of one event or several; of several arrivals the first that is not a duplicate.
    pub(crate) fn of(parts: &[Effects]) -> Self {
        let arrivals = || parts.iter().filter_map(|part| part.arrival);
        let arrival = arrivals().find(|arrival| *arrival != Arrival::Duplicate).or_else(|| arrivals().next());
        tactful_effects {
            arrival: match arrival {
                None => TACTFUL_ARRIVAL_NONE,
                Some(Arrival::New) => TACTFUL_ARRIVAL_NEW,
                Some(Arrival::Duplicate) => TACTFUL_ARRIVAL_DUPLICATE,
                Some(Arrival::ConflictKeptOld) => TACTFUL_ARRIVAL_CONFLICT_KEPT_OLD,
                Some(Arrival::ConflictKeptNew { .. }) => TACTFUL_ARRIVAL_CONFLICT_KEPT_NEW,
            },
            effects: parts.iter().flat_map(|part| &part.effects).map(Effect::new).collect(),
        }
    }
}

impl Effect {
    fn new(effect: &tactful::engine::Effect) -> Self {
        let (what, name, from, to) = match &effect.what {
            Effected::SegmentEntered { segment } => (TACTFUL_EFFECT_SEGMENT_ENTERED, Some(&**segment), None, None),
            Effected::SegmentLeft { segment } => (TACTFUL_EFFECT_SEGMENT_LEFT, Some(&**segment), None, None),
            Effected::StageChanged { journey, from, to, .. } => {
                (TACTFUL_EFFECT_STAGE_CHANGED, Some(&**journey), from.as_deref(), to.as_deref())
            }
            Effected::JourneyFull { journey, .. } => (TACTFUL_EFFECT_JOURNEY_FULL, Some(&**journey), None, None),
            Effected::JourneyMigrated { journey, from, to, .. } => {
                (TACTFUL_EFFECT_JOURNEY_MIGRATED, Some(&**journey), from.as_deref(), to.as_deref())
            }
            Effected::ContextChanged { watch, from, to } => {
                (TACTFUL_EFFECT_CONTEXT_CHANGED, Some(&**watch), Some(&**from), Some(&**to))
            }
            Effected::ReactionDue { reaction, placement, channel, .. } => {
                (TACTFUL_EFFECT_REACTION_DUE, Some(&**reaction), placement.as_deref(), channel.as_deref())
            }
            Effected::ResponseOverdue { feedback, .. } => (TACTFUL_EFFECT_RESPONSE_OVERDUE, Some(&**feedback), None, None),
            Effected::Merged { identifier, other } => (TACTFUL_EFFECT_MERGED, None, Some(&**identifier), Some(&**other)),
            Effected::Parted { identifier, other } => (TACTFUL_EFFECT_PARTED, None, Some(&**identifier), Some(&**other)),
            Effected::LinkRefused { identifier, other, reason } => {
                (TACTFUL_EFFECT_LINK_REFUSED, Some(*reason), Some(&**identifier), other.as_deref())
            }
            Effected::Related { relation, identifier, other, .. } => {
                (TACTFUL_EFFECT_RELATED, Some(&**relation), Some(&**identifier), Some(&**other))
            }
            Effected::Unrelated { relation, identifier, other, .. } => {
                (TACTFUL_EFFECT_UNRELATED, Some(&**relation), Some(&**identifier), Some(&**other))
            }
            Effected::RelationRefused { relation, identifier, other, .. } => {
                (TACTFUL_EFFECT_RELATION_REFUSED, Some(&**relation), Some(&**identifier), Some(&**other))
            }
        };
        let (instance, how) = match &effect.what {
            Effected::StageChanged { instance, .. } => (instance.as_deref(), None),
            Effected::JourneyFull { instance, cap, .. } => (instance.as_deref(), cap.as_deref()),
            Effected::JourneyMigrated { instance, how, .. } => (instance.as_deref(), Some(*how)),
            Effected::ReactionDue { instance, reason, .. } => (instance.as_deref(), Some(&**reason)),
            Effected::ResponseOverdue { instance, .. } => (instance.as_deref(), None),
            _ => (None, None),
        };
        let (since, not_after, priority) = match &effect.what {
            Effected::ReactionDue { since, not_after, priority, .. } => (Some(*since), *not_after, *priority),
            Effected::ResponseOverdue { since, .. } => (Some(*since), None, 0),
            _ => (None, None, 0),
        };
        let micros = |time: Option<tactful::Timestamp>| time.map_or(TACTFUL_NO_TIME, tactful::Timestamp::micros);
        Effect {
            id: Text::new(&*effect.id),
            kind: match effect.kind {
                EffectKind::Happened => TACTFUL_KIND_HAPPENED,
                EffectKind::Corrected => TACTFUL_KIND_CORRECTED,
                EffectKind::Withdrawn => TACTFUL_KIND_WITHDRAWN,
            },
            effect: what,
            name: name.map(Text::new),
            from: from.map(Text::new),
            to: to.map(Text::new),
            at: effect.at.micros(),
            cause: effect.cause.as_deref().map(Text::new),
            customer: effect.customer.as_deref().map(Text::new),
            instance: instance.map(Text::new),
            how: how.map(Text::new),
            since: micros(since),
            not_after: micros(not_after),
            priority,
        }
    }

    fn lend(&self) -> tactful_effect {
        tactful_effect {
            id: self.id.lend(),
            name: lend(self.name.as_ref()),
            from: lend(self.from.as_ref()),
            to: lend(self.to.as_ref()),
            cause: lend(self.cause.as_ref()),
            customer: lend(self.customer.as_ref()),
            instance: lend(self.instance.as_ref()),
            how: lend(self.how.as_ref()),
            at: self.at,
            since: self.since,
            not_after: self.not_after,
            priority: self.priority,
            effect: self.effect,
            kind: self.kind,
        }
    }
}

/// What became of the event itself: TACTFUL_ARRIVAL_NEW and so on. TACTFUL_ARRIVAL_NONE for null.
///
/// Thread-safe, as are all accessors of effects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_effects_arrival(effects: *const tactful_effects) -> i32 {
    // SAFETY: by contract.
    unsafe { effects.as_ref() }.map_or(TACTFUL_ARRIVAL_NONE, |effects| effects.arrival)
}

/// How many things changed. 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_effects_count(effects: *const tactful_effects) -> usize {
    // SAFETY: by contract.
    unsafe { effects.as_ref() }.map_or(0, |effects| effects.effects.len())
}

/// Fills `effect` with what changed at `index`, in the order in which it happened, what was withdrawn first. False, and nothing
/// is written, when there is none. Its texts are borrowed from the effects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_effects_get(
    effects: *const tactful_effects,
    index: usize,
    effect: *mut tactful_effect,
) -> bool {
    // SAFETY: by contract.
    unsafe { fill(effect, || effects.as_ref()?.effects.get(index).map(Effect::lend)) }
}

/// Frees effects. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_effects_free(effects: *mut tactful_effects) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(effects) }
}
