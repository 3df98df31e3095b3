use super::aside::read_aside;
use super::fold::{read_checkpoint, read_fold};
use super::kinds::{Kinds, read_kinds};
use super::migrate::migrate;
use super::tag;
use super::track::{Tracks, read_track};
use crate::customer::layout::Layout;
use crate::customer::strand::Strand;
use crate::customer::texts::Texts;
use crate::customer::{Aside, Checkpoint, Fold, Identifier};
use crate::encoding::{Content, Part, Reader, Section, StateError, sections};
use crate::expr::EventKind;
use crate::value::Timestamp;
use std::sync::Arc;

/// What was read: strands under the layout asked for, sorted by identifier, and the rest of the state.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) strands: Vec<Strand>,
    pub(crate) told: Option<Timestamp>,
    /// Sections that nobody here knows.
    pub(crate) unknown: Vec<Section>,
    /// What was derived from all strands together before events were folded.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Whether the playbook of the layout wrote it.
    pub(crate) same_version: bool,
}

/// Reads strands and what belongs to them. Sections that are not those of strands go to `other`, which says whether it knew them.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    content: Content,
    layout: &Arc<Layout>,
    mut other: impl FnMut(&Part<'a>) -> Result<bool, StateError>,
) -> Result<Read, StateError> {
    let mut read = Read::default();
    let mut playbook = false;
    let mut same_version = false;
    let mut kinds: Option<Kinds> = None;
    let mut asides: Vec<(usize, Vec<Aside>)> = Vec::new();
    let mut folds: Vec<(usize, Fold)> = Vec::new();
    let mut rectified: Vec<(usize, Vec<Aside>)> = Vec::new();
    let mut highest = 0;
    for part in sections(bytes, content)? {
        let part = part?;
        if part.tag < highest {
            return Err(part.body.corrupt("sections in the order of their tags"));
        }
        highest = part.tag;
        if part.tag <= tag::LAST && part.version > 1 {
            let message = format!("section {} has version {}, newer than 1, which this version reads", part.tag, part.version);
            return Err(StateError::new("newer_format", part.body.offset(), message));
        }
        let mut body = part.body.clone();
        match (part.tag, &kinds) {
            (tag::PLAYBOOK, _) if !playbook => {
                let written_by = same_playbook(&mut body, layout)?;
                same_version = *written_by == **layout.digest();
                playbook = true;
            }
            (tag::KINDS, None) if playbook => kinds = Some(read_kinds(body, layout)?),
            (tag::STRAND, Some(kinds)) => {
                let strand = read_strand(body, kinds, layout)?;
                if read.strands.last().is_some_and(|last| last.identifier() >= strand.identifier()) {
                    return Err(part.body.corrupt("strands sorted by identifier"));
                }
                read.strands.push(strand);
            }
            (tag::TOLD, _) if read.told.is_none() => {
                read.told = Some(body.time()?);
                body.end()?;
            }
            (tag::ASIDE, Some(_)) => {
                let place = usize::try_from(body.varint()?).unwrap_or(usize::MAX);
                let Some(strand) = read.strands.get(place) else { return Err(body.corrupt("the number of a strand")) };
                asides.push((place, read_aside(body, strand.identifier())?));
            }
            (tag::RECTIFIED, Some(_)) => {
                let place = usize::try_from(body.varint()?).unwrap_or(usize::MAX);
                let Some(strand) = read.strands.get(place) else { return Err(body.corrupt("the number of a strand")) };
                rectified.push((place, read_aside(body, strand.identifier())?));
            }
            (tag::FOLD, Some(_)) => {
                let place = usize::try_from(body.varint()?).unwrap_or(usize::MAX);
                if place >= read.strands.len() {
                    return Err(body.corrupt("the number of a strand"));
                }
                folds.push((place, read_fold(body)?));
            }
            (tag::CHECKPOINT, Some(_)) if read.checkpoint.is_none() && content == Content::Customer => {
                read.checkpoint = Some(read_checkpoint(&mut body)?);
                body.end()?;
            }
            (tag::PLACES, None) => return Err(part.body.corrupt("this section once, behind those that it needs")),
            (tag, _) if tag > tag::LAST => {
                if !other(&part)? {
                    read.unknown.push(part.keep());
                }
            }
            _ if other(&part)? => {}
            _ => return Err(part.body.corrupt("this section once, behind those that it needs")),
        }
    }
    let Some(kinds) = kinds else {
        return Err(StateError::new("truncated", bytes.len(), "expected a playbook and event types"));
    };
    if let Kinds::Other(_) = kinds {
        read.strands = read.strands.iter().map(|strand| migrate(strand, layout)).collect();
    }
    read.strands.iter_mut().for_each(Strand::expect);
    for (place, events) in rectified {
        if let Some(strand) = read.strands.get_mut(place) {
            let told = events.into_iter().map(|aside| aside.event).collect();
            let others = strand.keep_rectified(told).into_iter();
            let others = others.map(|event| Aside { event, code: "", path: String::new() }).collect();
            super::migrate::try_again(strand, others, same_version);
        }
    }
    // Bytes of before the rules of journeys were written with them: those of the playbook, when it is the same.
    let journeys = same_version.then(|| layout.journeys());
    read.checkpoint.iter_mut().for_each(|checkpoint| checkpoint.settle_definitions(journeys));
    for (place, mut fold) in folds {
        fold.checkpoint.iter_mut().for_each(|checkpoint| checkpoint.settle_definitions(journeys));
        if let Some(strand) = read.strands.get_mut(place) {
            strand.set_fold(Some(strand.layout().renames().fold(fold)));
        }
    }
    for (place, aside) in asides {
        if let Some(strand) = read.strands.get_mut(place) {
            super::migrate::try_again(strand, aside, same_version);
        }
    }
    read.same_version = same_version;
    Ok(read)
}

/// The digest of the playbook, which has to be of the same name.
fn same_playbook<'a>(body: &mut Reader<'a>, layout: &Layout) -> Result<&'a str, StateError> {
    let offset = body.offset();
    let (name, _version, digest) = (body.text()?, body.varint()?, body.text()?);
    body.end()?;
    if name != layout.playbook().0 {
        let name: String = name.chars().take(80).collect();
        let message = format!("the state belongs to playbook `{name}`, expected `{}`", layout.playbook().0);
        return Err(StateError::new("other_playbook", offset, message));
    }
    Ok(digest)
}

fn read_strand(mut reader: Reader<'_>, kinds: &Kinds, layout: &Arc<Layout>) -> Result<Strand, StateError> {
    let layout = match kinds {
        Kinds::Same(_) => layout,
        Kinds::Other(layout) => layout,
    };
    let identifier = Identifier::parse(reader.text()?).map_err(|_| reader.corrupt("an identifier `namespace:value`"))?;
    let texts = read_texts(&mut reader)?;
    let mut ids = Texts::default();
    let count = reader.count(4)?;
    let mut tracks: Tracks = Vec::with_capacity(count);
    for _ in 0..count {
        let number = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let kind = match kinds {
            Kinds::Same(kinds) => kinds.get(number).copied(),
            Kinds::Other(_) => u16::try_from(number).ok().map(EventKind),
        };
        let Some((kind, cells)) = kind.and_then(|kind| Some((kind, &layout.kind(kind)?.cells))) else {
            return Err(reader.corrupt("the number of an event type"));
        };
        tracks.push((kind, read_track(&mut reader, cells, &mut ids, texts.len())?));
    }
    reader.end()?;
    tracks.sort_by_key(|(kind, _)| *kind);
    if tracks.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return Err(reader.corrupt("every event type once"));
    }
    Ok(Strand::of_parts(identifier, layout.clone(), tracks, texts, ids))
}

fn read_texts(reader: &mut Reader<'_>) -> Result<Texts, StateError> {
    let count = reader.count(1)?;
    let mut ends: Vec<u32> = Vec::with_capacity(count);
    let mut end = 0_usize;
    for _ in 0..count {
        let length = reader.count(1)?;
        if length > crate::customer::MAX_TEXT {
            return Err(reader.corrupt("texts of at most 65536 bytes"));
        }
        end += length;
        ends.push(u32::try_from(end).map_err(|_| reader.corrupt("at most 4 GiB of text"))?);
    }
    let bytes = reader.utf8(end)?;
    if !ends.iter().all(|end| bytes.is_char_boundary(*end as usize)) {
        return Err(reader.corrupt("texts in UTF-8"));
    }
    Texts::from_parts(bytes, ends).ok_or_else(|| reader.corrupt("every text once"))
}
