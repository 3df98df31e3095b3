use super::cell::{Amount, Key};
use super::contribution::Contribution;
use super::rules::{TrendRule, TrendRules};
use super::snapshot::{Counted, Members, Snapshot};
use super::store::Trends;
use crate::encoding::{Content, Reader, StateError, Writer, open, seal, sections};
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tags of sections.
mod tag {
    pub(super) const RULES: u64 = 16;
    pub(super) const CONTRIBUTION: u64 = 17;
    pub(super) const AT: u64 = 18;
    pub(super) const CELLS: u64 = 19;
    pub(super) const MEMBERS: u64 = 20;
}

impl TrendRules {
    /// What is counted, by name: equal for playbooks that count alike.
    fn definition(&self) -> String {
        let one = |trend: &TrendRule| {
            let dimensions: Vec<&str> = trend.dimensions.iter().map(|(name, _)| &**name).collect();
            let TrendRule { name, counted, half_life, epoch, k, scale, .. } = trend;
            format!("{name}: {counted} ({scale}) by {}, {half_life:?} {epoch} {k}\n", dimensions.join(","))
        };
        self.playbook.to_string() + "\n" + &self.trends.iter().map(one).collect::<String>()
    }

    fn check(&self, mut body: Reader<'_>) -> Result<(), StateError> {
        let offset = body.offset();
        if body.text()? != self.definition() {
            let message = "the trends were counted by other rules than those of this playbook; observe the customers again";
            return Err(StateError::new("other_playbook", offset, message));
        }
        body.end()
    }
}

impl Trends {
    /// The trends as bytes: what each customer contributed. Canonical.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = open(Content::Trends);
        writer.section(tag::RULES, 1, |writer| writer.text(&self.rules.definition()));
        for (id, contribution) in &self.contributions {
            writer.section(tag::CONTRIBUTION, 1, |writer| {
                writer.text(id);
                writer.size(contribution.0.len());
                for ((key, epoch), amount) in &contribution.0 {
                    write_key(writer, key);
                    write_amount(writer, *epoch, *amount);
                }
            });
        }
        seal(writer)
    }

    pub(crate) fn of_bytes(rules: Arc<TrendRules>, bytes: &[u8]) -> Result<Self, StateError> {
        let mut trends = Trends::new(rules);
        let mut checked = false;
        for part in sections(bytes, Content::Trends)? {
            let part = part?;
            let mut body = part.body;
            match part.tag {
                tag::RULES if !checked => {
                    trends.rules.check(body)?;
                    checked = true;
                }
                tag::CONTRIBUTION if checked => {
                    let id: Arc<str> = Arc::from(body.text()?);
                    let count = body.count(20)?;
                    let mut contribution = Contribution::default();
                    for _ in 0..count {
                        let key = read_key(&mut body, &trends.rules)?;
                        let (epoch, amount) = read_amount(&mut body)?;
                        contribution.0.insert((key, epoch), amount);
                    }
                    body.end()?;
                    let last = trends.contributions.last_key_value().is_some_and(|(last, _)| *last >= id);
                    if last || contribution.0.len() < count {
                        return Err(body.corrupt("customers and cells once, in order"));
                    }
                    trends.contributions.insert(id, Arc::new(contribution));
                }
                _ => return Err(body.corrupt("the rules of trends and what customers contributed")),
            }
        }
        if checked { Ok(trends) } else { Err(StateError::new("truncated", bytes.len(), "expected the rules of the trends")) }
    }
}

impl Snapshot {
    /// The snapshot as bytes. Canonical.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = self.open();
        if !self.everyone.is_empty() {
            writer.section(tag::MEMBERS, 1, |writer| {
                writer.size(self.everyone.len());
                for (trend, members) in &self.everyone {
                    writer.varint(u64::from(*trend));
                    write_members(writer, members);
                }
                self.cells.values().for_each(|cell| write_members(writer, &cell.members));
            });
        }
        seal(writer)
    }

    /// What can be read of it, as bytes.
    pub(super) fn canonical(&self) -> Vec<u8> {
        seal(self.open())
    }

    fn open(&self) -> Writer {
        let mut writer = open(Content::Snapshot);
        writer.section(tag::RULES, 1, |writer| writer.text(&self.rules.definition()));
        writer.section(tag::AT, 1, |writer| writer.signed(self.at.micros()));
        writer.section(tag::CELLS, 1, |writer| {
            writer.size(self.cells.len());
            for (key, cell) in &self.cells {
                write_key(writer, key);
                write_bucket(writer, cell.last_bucket);
                writer.varint(cell.customers);
                writer.size(cell.epochs.len());
                cell.epochs.iter().for_each(|(epoch, amount)| write_amount(writer, *epoch, *amount));
            }
        });
        writer
    }

    pub(crate) fn of_bytes(rules: Arc<TrendRules>, bytes: &[u8]) -> Result<Self, StateError> {
        let (mut at, mut checked): (Option<Timestamp>, bool) = (None, false);
        let mut cells: BTreeMap<Key, Counted> = BTreeMap::new();
        let mut everyone: BTreeMap<u16, Members> = BTreeMap::new();
        for part in sections(bytes, Content::Snapshot)? {
            let part = part?;
            let mut body = part.body;
            match part.tag {
                tag::RULES if !checked => {
                    rules.check(body)?;
                    checked = true;
                    continue;
                }
                tag::AT if checked && at.is_none() => at = Some(body.time()?),
                tag::CELLS if at.is_some() && cells.is_empty() => {
                    let count = body.count(5)?;
                    for _ in 0..count {
                        let key = read_key(&mut body, &rules)?;
                        let last_bucket = read_bucket(&mut body)?;
                        let customers = body.varint()?;
                        let epochs = body.count(18)?;
                        let epochs: Result<BTreeMap<_, _>, StateError> = (0..epochs).map(|_| read_amount(&mut body)).collect();
                        cells.insert(key, Counted { customers, epochs: epochs?, last_bucket, members: Members::new() });
                    }
                    if cells.len() < count {
                        return Err(body.corrupt("every cell once"));
                    }
                }
                tag::MEMBERS => {
                    let count = body.count(2)?;
                    for _ in 0..count {
                        let trend = u16::try_from(body.varint()?).unwrap_or(u16::MAX);
                        everyone.insert(trend, read_members(&mut body)?);
                    }
                    for cell in cells.values_mut() {
                        cell.members = read_members(&mut body)?;
                    }
                }
                _ => return Err(body.corrupt("the sections of a snapshot in their order")),
            }
            body.end()?;
        }
        let at = at.ok_or_else(|| StateError::new("truncated", bytes.len(), "expected the instant of the snapshot"))?;
        Ok(Snapshot { rules, at, cells, everyone, kept: super::totals::Kept::default() })
    }
}

fn write_members(writer: &mut Writer, members: &Members) {
    writer.size(members.len());
    for (member, told) in members {
        writer.raw(&member.to_le_bytes());
        writer.raw(&told.to_le_bytes());
    }
}

fn read_members(reader: &mut Reader<'_>) -> Result<Members, StateError> {
    let count = reader.count(16)?;
    (0..count).map(|_| Ok((reader.eight()?, reader.eight()?))).collect()
}

fn write_key(writer: &mut Writer, key: &Key) {
    writer.varint(u64::from(key.trend));
    writer.size(key.values.len());
    key.values.iter().for_each(|value| writer.text(value));
    write_bucket(writer, key.bucket);
}

fn read_key(reader: &mut Reader<'_>, rules: &TrendRules) -> Result<Key, StateError> {
    let trend = u16::try_from(reader.varint()?).unwrap_or(u16::MAX);
    if rules.rule(trend).is_none() {
        return Err(reader.corrupt("the number of a trend"));
    }
    let count = reader.count(1)?;
    let values: Result<Vec<Arc<str>>, StateError> = (0..count).map(|_| reader.text().map(Arc::from)).collect();
    Ok(Key { trend, values: values?.into(), bucket: read_bucket(reader)? })
}

fn write_bucket(writer: &mut Writer, bucket: Option<i32>) {
    writer.byte(u8::from(bucket.is_some()));
    bucket.iter().for_each(|bucket| writer.signed(i64::from(*bucket)));
}

fn read_bucket(reader: &mut Reader<'_>) -> Result<Option<i32>, StateError> {
    if !reader.flag()? {
        return Ok(None);
    }
    i32::try_from(reader.signed()?).map(Some).map_err(|_| reader.corrupt("the number of a bucket"))
}

fn write_amount(writer: &mut Writer, epoch: i64, amount: Amount) {
    writer.signed(epoch);
    writer.signed(amount.count);
    writer.wide(amount.sum);
}

fn read_amount(reader: &mut Reader<'_>) -> Result<(i64, Amount), StateError> {
    let (epoch, count, sum) = (reader.signed()?, reader.signed()?, reader.wide()?);
    Ok((epoch, Amount { count, sum }))
}
