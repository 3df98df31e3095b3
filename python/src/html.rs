//! What notebooks show.

/// Text between tags.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A table with a caption; cells are escaped here.
pub(crate) fn table<R: AsRef<[String]>>(caption: &str, head: &[&str], rows: &[R]) -> String {
    let mut html = format!("<table><caption>{}</caption><thead><tr>", escape(caption));
    for name in head {
        html += &format!("<th>{}</th>", escape(name));
    }
    html += "</tr></thead><tbody>";
    for row in rows {
        html += "<tr>";
        for cell in row.as_ref() {
            html += &format!("<td>{}</td>", escape(cell));
        }
        html += "</tr>";
    }
    html + "</tbody></table>"
}
