//! The syntax of types in a playbook, and values of them.

use super::source::cut;
use super::tree::{Content, Node};
use crate::error::nearest;
use crate::value::{Currency, Date, Decimal, Duration, Moment, Timestamp, Type, Value, postal};
use std::sync::Arc;

/// How many words an enum may have.
pub(super) const ENUM_WORDS: usize = 1_000;

/// What is wrong with a type or value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A message and a hint.
pub(super) type Remark = (String, Option<String>);

fn wrong(message: impl Into<String>, hint: Option<String>) -> Wrong {
    Wrong { message: message.into(), hint }
}

/// Reads a type such as `list(money(EUR))`, perhaps with a remark about something unusual.
pub(super) fn parse(text: &str) -> Result<(Type, Option<Remark>), Wrong> {
    let text = text.trim();
    let Some((head, rest)) = text.split_once('(') else {
        return simple(text).map(|ty| (ty, None));
    };
    let head = head.trim();
    let Some(inside) = rest.trim_end().strip_suffix(')') else {
        return Err(wrong(format!("type `{}` has no closing `)`", cut(text)), None));
    };
    match head {
        "decimal" => Ok((Type::Decimal { scale: scale(inside)? }, None)),
        "money" => money(inside),
        "list" => match parse_element(inside)? {
            (Type::List(_), _) => Err(wrong("a list of lists is not a type", None)),
            (element, remark) => Ok((Type::List(Box::new(element)), remark)),
        },
        "enum" => words(inside).map(|words| (Type::Enum(words), None)),
        "postal_code" => {
            let country = inside.trim();
            if !postal::is_country(country) {
                let hint = Some("two letters of ISO 3166, such as `postal_code(DE)`".to_owned());
                return Err(wrong(format!("`{}` is not a country", cut(country)), hint));
            }
            Ok((Type::PostalCode { country: Some(Arc::from(country.to_ascii_uppercase())) }, None))
        }
        _ if SIMPLE.contains(&head) => Err(wrong(format!("type `{head}` has nothing in parentheses"), None)),
        _ => Err(unknown(head)),
    }
}

/// The type in a list; lists within lists are refused before they are read, so nothing is read deeper than this.
fn parse_element(text: &str) -> Result<(Type, Option<Remark>), Wrong> {
    if text.trim_start().strip_prefix("list").is_some_and(|rest| rest.trim_start().starts_with('(')) {
        return Err(wrong("a list of lists is not a type", None));
    }
    parse(text)
}

fn simple(text: &str) -> Result<Type, Wrong> {
    Ok(match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" | "number" => Type::Double,
        "string" => Type::String,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "date" => Type::Date,
        "geo_point" | "point" => Type::Point,
        "postal_code" => Type::PostalCode { country: None },
        "decimal" => return Err(wrong("type `decimal` needs its digits after the point", Some("such as `decimal(2)`".into()))),
        "money" => return Err(wrong("type `money` needs its currency", Some("such as `money(EUR)`".into()))),
        "list" => return Err(wrong("type `list` needs the type of its elements", Some("such as `list(string)`".into()))),
        "enum" => return Err(wrong("type `enum` needs its words", Some("such as `enum(small, large)`".into()))),
        _ => return Err(unknown(text)),
    })
}

/// The types that have nothing in parentheses.
pub(super) const SIMPLE: [&str; 12] =
    ["bool", "int", "uint", "double", "number", "string", "timestamp", "duration", "date", "geo_point", "point", "postal_code"];
const NAMES: [&str; 16] = [
    "bool",
    "int",
    "uint",
    "double",
    "number",
    "string",
    "timestamp",
    "duration",
    "date",
    "geo_point",
    "point",
    "postal_code",
    "decimal",
    "money",
    "list",
    "enum",
];

fn unknown(name: &str) -> Wrong {
    let other = match name.to_ascii_lowercase().as_str() {
        "boolean" => Some("bool"),
        "integer" | "long" | "bigint" | "int64" => Some("int"),
        "float" | "real" | "float64" => Some("double"),
        "text" | "str" | "varchar" => Some("string"),
        "datetime" | "time" => Some("timestamp"),
        "geo" | "geopoint" | "location" | "latlon" | "coordinates" => Some("geo_point"),
        "zip" | "zip_code" | "zipcode" | "postcode" | "postalcode" | "plz" => Some("postal_code"),
        "array" => Some("list"),
        "currency" | "amount" => Some("money"),
        _ => nearest(name, NAMES),
    };
    let hint = match other {
        Some("decimal") => "did you mean `decimal(2)`?".to_owned(),
        Some("money") => "did you mean `money(EUR)`?".to_owned(),
        Some("list") => "did you mean `list(string)`?".to_owned(),
        Some("enum") => "did you mean `enum(small, large)`?".to_owned(),
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "types are: bool, int, uint, double, string, timestamp, duration, date, geo_point, postal_code(DE), decimal(2), money(EUR), list(string), enum(a, b)"
                .to_owned()
        }
    };
    wrong(format!("unknown type `{}`", cut(name)), Some(hint))
}

fn scale(text: &str) -> Result<u8, Wrong> {
    let scale = text.trim().parse::<u8>().ok().filter(|scale| *scale <= 18);
    scale.ok_or_else(|| wrong(format!("expected digits after the point, 0 to 18, found `{}`", cut(text.trim())), None))
}

fn money(inside: &str) -> Result<(Type, Option<Remark>), Wrong> {
    let (code, digits) = inside.split_once(',').map_or((inside, None), |(code, digits)| (code, Some(digits)));
    let code = code.trim();
    let Some(currency) = Currency::parse(code) else {
        let hint = Currency::parse(&code.to_ascii_uppercase()).map(|currency| format!("did you mean `{currency}`?"));
        let hint = hint.or_else(|| Some("three capital letters of ISO 4217, such as `EUR`".to_owned()));
        return Err(wrong(format!("`{}` is not a currency", cut(code)), hint));
    };
    let scale = match digits {
        Some(digits) => scale(digits)?,
        None => currency.minor_digits(),
    };
    let remark = (!CURRENCIES.split_ascii_whitespace().any(|known| known == code)).then(|| {
        let near = nearest(code, CURRENCIES.split_ascii_whitespace());
        (format!("`{code}` is not a currency of ISO 4217"), near.map(|near| format!("did you mean `{near}`?")))
    });
    Ok((Type::Money { currency, scale }, remark))
}

/// The active currencies of ISO 4217 as of 2025.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD \
     CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ \
     GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD \
     MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON \
     RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD \
     USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

fn words(inside: &str) -> Result<Arc<[Arc<str>]>, Wrong> {
    let mut list: Vec<Arc<str>> = Vec::new();
    for word in inside.split(',').map(str::trim) {
        if word.is_empty() {
            return Err(wrong("an empty word in `enum(…)`", Some("such as `enum(small, large)`".into())));
        }
        if list.iter().any(|known| &**known == word) {
            return Err(wrong(format!("`{}` stands twice in one enum", cut(word)), None));
        }
        if list.len() >= ENUM_WORDS {
            return Err(wrong(format!("more than {ENUM_WORDS} words in one enum"), None));
        }
        list.push(Arc::from(word));
    }
    Ok(list.into())
}

/// The value of a type that a node writes down.
pub(super) fn value(node: &Node, ty: &Type) -> Result<Value, Wrong> {
    let found = || {
        let shown = match &node.content {
            Content::Number(number) => format!("`{}`", cut(number)),
            Content::Bool(truth) => format!("`{truth}`"),
            Content::Text(written) => format!("the text `{}`", cut(&written.text)),
            _ => node.kind().to_owned(),
        };
        wrong(format!("expected a value of type {}, found {shown}", cut(&ty.to_string())), None)
    };
    let text = || node.text().map(|text| &**text).ok_or_else(found);
    let number = || match &node.content {
        Content::Number(number) => Ok(&**number),
        _ => Err(found()),
    };
    let exact = |text: &str, scale, currency| {
        Decimal::parse(text, scale, currency)
            .map(Value::Decimal)
            .map_err(|error| wrong(format!("`{}` is not of type {ty}: {error}", cut(text)), None))
    };
    match ty {
        Type::Bool => match node.content {
            Content::Bool(truth) => Ok(Value::Bool(truth)),
            _ => Err(found()),
        },
        Type::Int => number()?.parse().map(Value::Int).map_err(|_| found()),
        Type::Uint => number()?.parse().map(Value::Uint).map_err(|_| found()),
        Type::Double => match number()?.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Double(number)),
            _ => Err(found()),
        },
        Type::Decimal { scale } => exact(number().or_else(|_| text())?, *scale, None),
        Type::Money { currency, scale } => exact(number().or_else(|_| text())?, *scale, Some(*currency)),
        Type::String => text().map(Value::text),
        Type::Enum(words) => {
            let word = text()?;
            if words.iter().any(|known| &**known == word) {
                return Ok(Value::text(word));
            }
            let hint = nearest(word, words.iter().map(|word| &**word)).map(|near| format!("did you mean `{near}`?"));
            Err(Wrong { hint, ..found() })
        }
        Type::Timestamp => {
            let time = Timestamp::parse(text()?).map_err(|error| wrong(error.to_string(), None))?;
            Ok(Value::Timestamp(Moment::from(time)))
        }
        Type::Duration => Duration::parse(text()?).map(Value::Duration).map_err(|error| wrong(error.to_string(), None)),
        Type::Date => Date::parse(text()?).map(Value::Date).ok_or_else(|| {
            wrong(format!("`{}` is not a date; write it as `2000-02-29`", cut(text().unwrap_or_default())), None)
        }),
        Type::Point => match &node.content {
            Content::List(items) => {
                let items: Result<Vec<Value>, _> = items.iter().map(|item| value(item, &Type::Double)).collect();
                Value::List(items?.into()).coerce(ty).map_err(|_| found())
            }
            _ => Value::text(text()?).coerce(ty).map_err(|_| found()),
        },
        Type::PostalCode { .. } => {
            let code = number().or_else(|_| text())?;
            Value::text(code).coerce(ty).map_err(|_| found())
        }
        Type::List(element) => match &node.content {
            Content::List(items) => items
                .iter()
                .map(|item| value(item, element))
                .collect::<Result<Vec<_>, _>>()
                .map(|list| Value::List(list.into())),
            _ => Err(found()),
        },
        _ => Err(found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok((ty, None)) => ty.to_string(),
            Ok((ty, Some((remark, _)))) => format!("{ty}, {remark}"),
            Err(wrong) => format!("{}; {}", wrong.message, wrong.hint.unwrap_or_default()),
        }
    }

    #[test]
    fn types_are_read() {
        for (text, expected) in [
            ("number", "double"),
            (" int ", "int"),
            ("decimal( 2 )", "decimal(2)"),
            ("money(JPY)", "money(JPY)"),
            ("money(JPY, 2)", "money(JPY, 2)"),
            ("money(GBP,3)", "money(GBP, 3)"),
            ("list( money(EUR) )", "list(money(EUR))"),
            ("list(enum(a, b c))", "list(enum(a, b c))"),
            ("money(PTS)", "money(PTS), `PTS` is not a currency of ISO 4217"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn wrong_types_are_refused_with_the_nearest_name() {
        for (text, expected) in [
            ("Int", "unknown type `Int`; did you mean `int`?"),
            ("boolean", "unknown type `boolean`; did you mean `bool`?"),
            ("desimal(2)", "unknown type `desimal`; did you mean `decimal(2)`?"),
            ("decimal(19)", "expected digits after the point, 0 to 18, found `19`; "),
            ("money(EURO)", "`EURO` is not a currency; three capital letters of ISO 4217, such as `EUR`"),
            ("list(strin)", "unknown type `strin`; did you mean `string`?"),
            ("list ( list (int))", "a list of lists is not a type; "),
            ("enum(a,)", "an empty word in `enum(…)`; such as `enum(small, large)`"),
            ("int(3)", "type `int` has nothing in parentheses; "),
            ("int)", "unknown type `int)`; did you mean `int`?"),
            (
                "",
                "unknown type ``; types are: bool, int, uint, double, string, timestamp, duration, date, geo_point, postal_code(DE), decimal(2), money(EUR), list(string), enum(a, b)",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
