use crate::customer::{Saved, SavedPlace};
use crate::encoding::{Reader, StateError, Writer};
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where customers were: the names that are used, in the order in which they first are, and of each customer, by identifier, the places.
pub(crate) fn write_places(writer: &mut Writer, all: &[(&str, Saved)]) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    let stage = |place: &SavedPlace| place.stay.as_ref().map(|(stage, _)| stage.clone());
    for place in all.iter().flat_map(|(_, saved)| &saved.places) {
        let stage = place.stay.as_ref().map(|(stage, _)| &**stage);
        for name in [Some(&*place.journey), Some(&*place.definition), stage].into_iter().flatten() {
            numbers.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() - 1
            });
        }
    }
    let number = |name: &str| numbers.get(name).copied().unwrap_or(0);
    writer.size(names.len());
    names.iter().for_each(|name| writer.text(name));
    writer.size(all.len());
    for (owner, saved) in all {
        writer.text(owner);
        writer.signed(saved.at.micros());
        writer.size(saved.places.len());
        for place in &saved.places {
            writer.size(number(&place.journey));
            writer.size(number(&place.definition));
            writer.varint(place.version);
            writer.text(place.instance.as_deref().unwrap_or(""));
            writer.varint(u64::from(place.entries));
            writer.size(stage(place).map_or(0, |stage| number(&stage) + 1));
            if let Some((_, since)) = &place.stay {
                writer.signed(saved.at.micros() - since.micros());
            }
        }
    }
}

/// By identifier of the customer.
pub(crate) fn read_places(mut reader: Reader<'_>) -> Result<BTreeMap<String, Saved>, StateError> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for _ in 0..reader.count(1)? {
        names.push(Arc::from(reader.text()?));
    }
    let mut all = BTreeMap::new();
    for _ in 0..reader.count(3)? {
        let (owner, at) = (reader.text()?.to_owned(), reader.time()?);
        let mut places = Vec::new();
        for _ in 0..reader.count(6)? {
            let (journey, definition) = (name(&mut reader, &names, 0)?, name(&mut reader, &names, 0)?);
            let (Some(journey), Some(definition)) = (journey, definition) else {
                return Err(reader.corrupt("a journey and its definition"));
            };
            let version = reader.varint()?;
            let instance = Some(reader.text()?).filter(|key| !key.is_empty()).map(Arc::from);
            let entries = u32::try_from(reader.varint()?).map_err(|_| reader.corrupt("a number of entries"))?;
            let stay = match name(&mut reader, &names, 1)? {
                None => None,
                Some(stage) => {
                    let since = at.micros().checked_sub(reader.signed()?).filter(|since| *since <= at.micros());
                    let since = since.and_then(|since| Timestamp::from_micros(since).ok());
                    Some((stage, since.ok_or_else(|| reader.corrupt("since when they were there"))?))
                }
            };
            places.push(SavedPlace { journey, version, definition, instance, stay, entries });
        }
        if all.insert(owner, Saved { at, places }).is_some() {
            return Err(reader.corrupt("each customer once"));
        }
    }
    reader.end()?;
    Ok(all)
}

/// A name by its number, which is counted from `first`; below that there is none.
fn name(reader: &mut Reader<'_>, names: &[Arc<str>], first: u64) -> Result<Option<Arc<str>>, StateError> {
    let Some(number) = reader.varint()?.checked_sub(first) else { return Ok(None) };
    let name = usize::try_from(number).ok().and_then(|number| names.get(number)).cloned();
    name.map(Some).ok_or_else(|| reader.corrupt("the number of a name"))
}
