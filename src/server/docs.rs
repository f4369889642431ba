//! `/docs`: the table of operations as a page that loads nothing from
//! elsewhere and needs no script.

#![allow(clippy::indexing_slicing, reason = "a document that is made here; what it lacks is null")]

use std::fmt::Write as _;

use axum::response::Html;
use serde_json::Value;

use super::openapi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font-family:ui-monospace,monospace}h2{border-top:1px solid #888;padding-top:1rem;font-size:1.1rem}\
.method{display:inline-block;min-width:4.5rem;font-weight:bold}pre{background:#8881;padding:.75rem;overflow:auto}summary{cursor:pointer}";

/// Answers the page.
pub(super) async fn serve() -> Html<String> {
    Html(page(&openapi::document()))
}

fn page(document: &Value) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>countertop API</title><style>{STYLE}</style>\
         <h1>countertop API</h1><p>{}</p><p>For machines: <a href=/openapi.json>/openapi.json</a></p>",
        escaped(text(&document["info"]["description"]))
    );
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            push_operation(&mut html, path, method, operation);
        }
    }
    html.push_str("<h1>Shapes</h1>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let schema = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = write!(html, "<details id='{0}'><summary><code>{0}</code></summary><pre>{1}</pre></details>", escaped(name), escaped(&schema));
    }
    html
}

fn push_operation(html: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        html,
        "<h2><span class=method>{}</span><code>{}</code></h2><p>{}</p>",
        method.to_uppercase(),
        escaped(path),
        escaped(text(&operation["summary"]))
    );
    let _ = write!(html, "<p>{}</p>", needs(operation));
    let parameters: Vec<String> =
        operation["parameters"].as_array().into_iter().flatten().map(|parameter| format!("<code>{}</code>", escaped(text(&parameter["name"])))).collect();
    if !parameters.is_empty() {
        let _ = write!(html, "<p>Parameters: {}</p>", parameters.join(", "));
    }
    if let Some(shape) = shape_name(&operation["requestBody"]["content"]["application/json"]["schema"]) {
        let _ = write!(html, "<p>Body: <a href='#{shape}'><code>{shape}</code></a></p>");
    }
    let mut answers = operation["responses"].as_object().into_iter().flatten().map(|(_, answer)| &answer["content"]["application/json"]["schema"]);
    if let Some(shape) = answers.find_map(shape_name) {
        let _ = write!(html, "<p>Answer: <a href='#{shape}'><code>{shape}</code></a></p>");
    }
}

fn needs(operation: &Value) -> String {
    let list = |key: &str| {
        let names: Vec<String> = operation[key].as_array().into_iter().flatten().map(|name| format!("<code>{}</code>", escaped(text(name)))).collect();
        (!names.is_empty()).then_some(names)
    };
    match (operation.get("x-permission"), list("x-permission"), list("x-permission-any")) {
        (None, ..) => "Needs no sign-in.".to_owned(),
        (_, Some(all), _) => format!("Needs {}.", all.join(" and ")),
        (_, _, Some(any)) => format!("Needs {}.", any.join(" or ")),
        _ => "Needs a sign-in.".to_owned(),
    }
}

fn shape_name(schema: &Value) -> Option<String> {
    schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).map(escaped)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;")
}
