//! `/openapi.json`, made from the table of operations and the shapes of
//! [`crate::api`]: nothing in it is written by hand.

#![allow(clippy::indexing_slicing, reason = "a document that is made here; what it lacks is null")]

mod answers;
mod links;

use axum::body::Body;
use axum::http::{Response, header};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::access::Needs;
use crate::api::lengths;
use crate::api::operation::{ENDPOINTS, Endpoint, Method};
use crate::api::permission::Permission;
use crate::api::problem::Problem;

/// What the document says of the key of a write (8.2).
const AGAIN: &str = "A repeat under this key gives the first answer again and writes nothing. \
    Only an answer with a secret that is shown once is not kept: there a repeat is asked anew.";

/// Answers the document.
pub(super) async fn serve() -> Response<Body> {
    let mut response = Response::new(Body::from(document().to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let entry = paths.entry(endpoint.path.to_owned()).or_insert_with(|| json!({}));
        entry[endpoint.method.name().to_lowercase()] = operation(endpoint, &mut generator);
    }
    let problem = generator.subschema_for::<Problem>();
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        ask_for_what_is_needed(schema);
    }
    tell_needed_bodies(&mut paths, &schemas);
    links::add(&mut paths, &schemas);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "countertop", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" },
            "description": "The dealer's counter. Refusals are application/problem+json (RFC 9457). x-permission names what is needed of each role." },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": answers::refusals(&problem),
            "securitySchemes": { "session": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let path = (endpoint.shapes.path)(generator);
    let query = (endpoint.shapes.query)(generator);
    let answer = (endpoint.shapes.answer)(generator);
    let mut parameters = path_parameters(endpoint.path, &path);
    parameters.extend(query_parameters(&query, generator));
    parameters.extend(header_parameters(endpoint));
    let mut described = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": answers::of(endpoint, &answer),
    });
    if !matches!(endpoint.method, Method::Get | Method::Delete) {
        let body = (endpoint.shapes.body)(generator);
        described["requestBody"] = json!({ "content": { "application/json": { "schema": body } } });
    }
    let names = |permissions: &[Permission]| permissions.iter().map(|permission| permission.name()).collect::<Vec<_>>();
    match endpoint.needs {
        Needs::Open => described["security"] = json!([]),
        Needs::SignedIn => described["x-permission"] = json!([]),
        Needs::All(all) => described["x-permission"] = json!(names(all)),
        Needs::Any(any) => {
            described["x-permission"] = json!([]);
            described["x-permission-any"] = json!(names(any));
        }
    }
    if endpoint.needs != Needs::Open {
        described["security"] = json!([{ "session": [] }]);
    }
    if !endpoint.more.is_empty() {
        described["x-permission-more"] = json!(names(endpoint.more));
    }
    described
}

/// The parameters of a path with the schemas of its shape. What is no such id
/// is answered like an id that nobody has.
fn path_parameters(path: &str, shape: &Schema) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let schema = |name: &str| shape.get("properties").and_then(|properties| properties.get(name)).cloned().unwrap_or_else(|| json!({ "type": "string" }));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schema(name) })).collect()
}

/// The properties of the query's shape, one parameter each. A parameter is there
/// or is not: it is never null.
fn query_parameters(query: &Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let reference = query.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    let mut shape = reference.and_then(|name| generator.definitions().get(name)).unwrap_or(query.as_value()).clone();
    ask_for_what_is_needed(&mut shape);
    let Some(properties) = shape.get("properties").and_then(Value::as_object) else { return Vec::new() };
    properties
        .iter()
        .map(|(name, schema)| {
            let description = schema.get("description").cloned().unwrap_or_default();
            let required = requires(&shape, name);
            json!({ "name": name, "in": "query", "required": required, "description": description, "schema": without_null(schema.clone()) })
        })
        .collect()
}

fn header_parameters(endpoint: &Endpoint) -> Vec<Value> {
    let mut parameters = Vec::new();
    if endpoint.method == Method::Post && endpoint.needs != Needs::Open {
        // White space around it is none of a header's.
        let pattern = format!("^[ \\t]*[!-~]([ -~]{{0,{}}}[!-~])?[ \\t]*$", lengths::IDEMPOTENCY_KEY - 2);
        parameters.push(
            json!({ "name": "Idempotency-Key", "in": "header", "required": false, "description": AGAIN, "schema": { "type": "string", "pattern": pattern } }),
        );
        let kept_for = json!({ "type": "string", "pattern": format!("^[0-9]{{1,{}}}$", lengths::KEPT_FOR) });
        let told = "Seconds since this was typed, where it waited for the line: what names no time is of then.";
        parameters.push(json!({ "name": "Kept-For", "in": "header", "required": false, "description": told, "schema": kept_for }));
    }
    if answers::may_be_stale(endpoint) {
        parameters.push(json!({ "name": "If-Match", "in": "header", "required": false, "schema": { "type": "string" } }));
    }
    parameters
}

/// A text that may not be empty and is empty where it is left out has to be
/// sent: that it may be left out serves a refusal that names the field.
fn ask_for_what_is_needed(schema: &mut Value) {
    let mut needed = Vec::new();
    for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let is_needed = property.get("minLength").and_then(Value::as_u64) > Some(0) && property.get("default") == Some(&json!(""));
        if let Some(property) = property.as_object_mut().filter(|_| is_needed) {
            property.remove("default");
            needed.push(json!(name));
        }
    }
    if let Some(schema) = schema.as_object_mut().filter(|_| !needed.is_empty()) {
        let required = schema.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            required.append(&mut needed);
        }
    }
}

fn requires(shape: &Value, name: &str) -> bool {
    shape.get("required").and_then(Value::as_array).is_some_and(|required| required.iter().any(|needed| needed == name))
}

/// A schema that no null fits.
fn without_null(mut schema: Value) -> Value {
    for choice in ["type", "anyOf"] {
        if let Some(choices) = schema.get_mut(choice).and_then(Value::as_array_mut) {
            choices.retain(|one| *one != "null" && *one != json!({ "type": "null" }));
        }
    }
    schema
}

/// No body is the same as an empty one: it has to be there where something has
/// to be in it.
fn tell_needed_bodies(paths: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut()) {
        let Some(body) = operation.get_mut("requestBody") else { continue };
        let shape = resolved(&body["content"]["application/json"]["schema"], schemas);
        let is_needed = shape.get("required").and_then(Value::as_array).is_some_and(|required| !required.is_empty());
        body["required"] = json!(is_needed);
    }
}

/// The schema that a reference leads to; any other is itself.
fn resolved<'s>(schema: &'s Value, schemas: &'s Map<String, Value>) -> &'s Value {
    name_of(schema).and_then(|name| schemas.get(name)).unwrap_or(schema)
}

/// The name of the shape that a schema refers to.
fn name_of(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}
