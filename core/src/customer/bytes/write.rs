use super::aside::{write_aside, write_events};
use super::fold::{write_checkpoint, write_fold};
use super::places::write_places;
use super::tag;
use super::track::{Numbers, write_track};
use crate::customer::Customer;
use crate::customer::layout::Layout;
use crate::customer::strand::Strand;
use crate::encoding::{Content, Section, Writer, open, seal};
use crate::expr::EventKind;

/// A customer as bytes. Equal stories of equal playbooks give equal bytes, in whatever order their events arrived.
pub(crate) fn write(customer: &Customer) -> Vec<u8> {
    let mut writer = open(Content::Customer);
    if let Some(strand) = customer.strands().first() {
        write_strands(&mut writer, strand.layout(), &customer.strands().iter().collect::<Vec<_>>());
    }
    if let (true, Some(checkpoint)) = (customer.strands().len() > 1, customer.checkpoint()) {
        writer.section(tag::CHECKPOINT, 1, |writer| write_checkpoint(writer, checkpoint));
    }
    if let Some(told) = customer.derived.told() {
        writer.section(tag::TOLD, 1, |writer| writer.signed(told.micros()));
    }
    write_rectified(&mut writer, customer.strands().iter());
    if let Some(saved) = customer.saved() {
        writer.section(tag::PLACES, 1, |writer| write_places(writer, &[("", saved)]));
    }
    write_unknown(&mut writer, customer.unknown());
    seal(writer)
}

/// The events of each strand that were rectified.
pub(crate) fn write_rectified<'a>(writer: &mut Writer, strands: impl Iterator<Item = &'a Strand>) {
    for (place, strand) in strands.enumerate() {
        let told: Vec<&crate::customer::Event> = strand.rectified().collect();
        if !told.is_empty() {
            writer.section(tag::RECTIFIED, 1, |writer| {
                writer.size(place);
                write_events(writer, &told);
            });
        }
    }
}

/// Sections that nobody here knows, as they were.
pub(crate) fn write_unknown(writer: &mut Writer, sections: &[Section]) {
    for section in sections {
        writer.section(section.tag, section.version, |writer| writer.raw(&section.bytes));
    }
}

/// The playbook, the event types in use, and the strands, sorted by identifier.
pub(crate) fn write_strands(writer: &mut Writer, layout: &Layout, strands: &[&Strand]) {
    let (name, version) = layout.playbook();
    writer.section(tag::PLAYBOOK, 1, |writer| {
        writer.text(name);
        writer.varint(version);
        writer.text(layout.digest());
    });
    let mut numbers: Vec<Option<u64>> = vec![None; layout.schema().events().len()];
    for strand in strands {
        for (kind, _) in strand.tracks() {
            if let Some(number) = numbers.get_mut(usize::from(kind.0)) {
                *number = Some(0);
            }
        }
    }
    let used = numbers.iter_mut().flatten();
    let used = used.zip(0..).map(|(number, next)| *number = next).count();
    writer.section(tag::KINDS, 1, |writer| {
        writer.size(used);
        for (kind, _) in numbers.iter().enumerate().filter(|(_, number)| number.is_some()) {
            let kind = u16::try_from(kind).ok().and_then(|kind| layout.kind(EventKind(kind)));
            writer.raw(kind.map_or(&[][..], |kind| &kind.described));
        }
    });
    for strand in strands {
        writer.section(tag::STRAND, 1, |writer| write_strand(writer, strand, &numbers));
    }
    for (place, strand) in strands.iter().enumerate().filter(|(_, strand)| !strand.aside().is_empty()) {
        writer.section(tag::ASIDE, 1, |writer| {
            writer.size(place);
            write_aside(writer, strand.aside());
        });
    }
    write_folds(writer, strands);
}

/// What is left of folded events, of each strand that has any.
fn write_folds(writer: &mut Writer, strands: &[&Strand]) {
    for (place, strand) in strands.iter().enumerate() {
        if let Some(fold) = strand.folded() {
            writer.section(tag::FOLD, 1, |writer| {
                writer.size(place);
                write_fold(writer, fold);
            });
        }
    }
}

/// The identifier, the texts in the order in which they are first used, and a track per event type.
fn write_strand(writer: &mut Writer, strand: &Strand, kinds: &[Option<u64>]) {
    let mut numbers = Numbers::new(strand.text_count());
    let mut tracks = Writer::with_capacity(strand.len() * 16);
    let mut count = 0_usize;
    for (kind, track) in strand.tracks() {
        let Some(layout) = strand.layout().kind(kind) else { continue };
        tracks.varint(kinds.get(usize::from(kind.0)).copied().flatten().unwrap_or(u64::MAX));
        write_track(&mut tracks, strand, track, &layout.cells, &mut numbers);
        count += 1;
    }
    writer.text(strand.identifier().as_str());
    let texts = numbers.order();
    writer.size(texts.len());
    texts.iter().for_each(|code| writer.size(strand.text(*code).len()));
    texts.iter().for_each(|code| writer.raw(strand.text(*code).as_bytes()));
    writer.size(count);
    writer.raw(tracks.as_bytes());
}
