//! What the framework's schemas do not say: that `null` stands for what is absent, where whole numbers end, and that a request
//! has no other fields than those that are named.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};

/// Where numbers of 64 bits end for clients: far beyond what is counted here, and within what every reader of JSON tells apart
/// from a fraction. A bound of 2^64 would be rounded up by those that read numbers as floating point.
const INTEGER_MAX: f64 = 1e18;

/// Stands for `false`, which the framework cannot write.
const NOTHING: &str = "nothing else";

/// Says it in a schema of the document; in those of requests, which are called so, that other fields are refused.
pub(crate) fn complete(name: &str, schema: &mut MetaSchema) {
    bound(schema);
    if name.ends_with("Request") {
        schema.additional_properties = Some(Box::new(nothing_else()));
    }
    for (name, property) in &mut schema.properties {
        if let MetaSchemaRef::Inline(property) = property {
            bound(property);
        }
        if !schema.required.contains(name) {
            admit_null(property);
        }
    }
}

/// Says that an object has the properties that are named and no others, once [`written`] has it.
pub(crate) fn nothing_else() -> MetaSchemaRef {
    let nothing = MetaSchema { title: Some(NOTHING.to_owned()), ..MetaSchema::ANY };
    MetaSchemaRef::Inline(Box::new(nothing))
}

/// The document with `false` where [`nothing_else`] stands.
pub(crate) fn written(document: &str) -> String {
    let mark = format!("\"title\": \"{NOTHING}\"");
    let mut parts = document.split(&mark).peekable();
    let mut written = String::with_capacity(document.len());
    let mut begins_within = false;
    while let Some(part) = parts.next() {
        let part = if begins_within { part.trim_start().trim_start_matches('}') } else { part };
        begins_within = parts.peek().is_some();
        if begins_within {
            written.push_str(part.trim_end().trim_end_matches('{'));
            written.push_str("false");
        } else {
            written.push_str(part);
        }
    }
    written
}

/// A field that may be absent may be `null`, too, and answers write it so.
fn admit_null(property: &mut MetaSchemaRef) {
    match property {
        MetaSchemaRef::Inline(property) => property.nullable = true,
        reference @ MetaSchemaRef::Reference(_) => {
            // Nothing may stand beside a reference (OpenAPI 3.0).
            let referred = MetaSchema { all_of: vec![reference.clone()], nullable: true, ..MetaSchema::ANY };
            *reference = MetaSchemaRef::Inline(Box::new(referred));
        }
    }
}

/// The range of a whole number, where its type knows one and nothing narrower was said.
fn bound(schema: &mut MetaSchema) {
    let (min, max) = match schema.format {
        Some("uint8") => (Some(0.0), f64::from(u8::MAX)),
        Some("uint16") => (Some(0.0), f64::from(u16::MAX)),
        Some("uint32") => (Some(0.0), f64::from(u32::MAX)),
        Some("uint64") => (Some(0.0), INTEGER_MAX),
        Some("int64") => (None, INTEGER_MAX),
        _ => return,
    };
    schema.minimum = schema.minimum.or(min);
    schema.maximum = schema.maximum.or(Some(max));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_becomes_the_word_that_the_framework_lacks() {
        let mark = format!("{{\n  \"title\": \"{NOTHING}\"\n}}");
        let document = format!("{{\"a\": {mark}, \"b\": {{\"c\": {mark}\n}}}}");
        assert_eq!(written(&document), "{\"a\": false, \"b\": {\"c\": false\n}}");
        assert_eq!(written("{}"), "{}");
    }
}
