//! What a customer is told about what they see, as text and as HTML.

use super::audience::{CustomerReasons, PlacementReasons};
use crate::value::escaped;
use std::fmt;

/// As text: every message with its reasons below it.
impl fmt::Display for CustomerReasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for placement in &self.placements {
            writeln!(f, "{}", placement.placement)?;
            for shown in &placement.shown {
                for line in shown.message.lines() {
                    writeln!(f, "  {line}")?;
                }
                for sentence in &shown.because {
                    writeln!(f, "    {sentence}")?;
                }
            }
            if placement.shown.is_empty() {
                writeln!(f, "  {NOTHING}")?;
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

/// What is said of a placement that stays silent.
const NOTHING: &str = "Nothing is shown to you here.";

impl CustomerReasons {
    /// A part of a page: every message with its reasons in a list. All text is escaped, also that of messages that are HTML themselves;
    /// styles are left to the page.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Request, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", r#"
    /// playbook: shop
    /// version: 1
    /// identity: {customer: {}}
    /// attributes: {city: {type: string, title: your city, origin: stated}}
    /// channels: {web: text}
    /// placements: {home: {channel: web}}
    /// offers: {hat: {eligible: customer.city == "Bonn", treatments: {web: {message: Hats & scarves}}}}
    /// "#)])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
    /// let mut customer = engine.customer(&ada)?;
    /// let told = Event::new("attribute_set", now, ada).with("attribute", "city").with("value", "Bonn");
    /// engine.record(&mut customer, &told, None)?;
    /// let reasons = engine.reasons_for_customer(&customer, &Request::of("home"), now, None)?;
    /// let html = reasons.to_html();
    /// assert!(html.contains("<p>Hats &amp; scarves</p>"));
    /// assert!(html.contains("<li>You see this because of what you told us: your city.</li>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut html = "<section class=\"tactful-reasons\">\n".to_owned();
        for placement in &self.placements {
            html += &format!("<h3>{}</h3>\n", escaped(&placement.placement));
            if placement.shown.is_empty() {
                html += &format!("<p>{NOTHING}</p>\n");
            }
            for shown in &placement.shown {
                html += &format!("<p>{}</p>\n", escaped(&shown.message));
                html += &list(&shown.because);
            }
        }
        html += &list(&self.notes);
        html + "</section>\n"
    }
}

impl PlacementReasons {
    /// The sentences about everything that is shown.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().flat_map(|shown| shown.because.iter().map(String::as_str))
    }
}

fn list(items: &[String]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escaped(item))).collect();
    if items.is_empty() { items } else { format!("<ul>\n{items}</ul>\n") }
}
