//! `/openapi.json`, made from the table of operations and the shapes of
//! [`crate::api`]: nothing in it is written by hand.

use axum::body::Body;
use axum::http::{Response, header};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::access::Needs;
use crate::api::operation::{ENDPOINTS, Endpoint, Method};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::{LONGEST_KEPT, PROBLEM_JSON};

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
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "countertop", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" },
            "description": "The dealer's counter. Refusals are application/problem+json (RFC 9457). x-permission names what is needed of each role." },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": { "description": "Refused; `code` says why.", "content": { PROBLEM_JSON: { "schema": problem } } } },
            "securitySchemes": { "session": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let query = (endpoint.shapes.query)(generator);
    let mut parameters: Vec<Value> = path_parameters(endpoint.path);
    parameters.extend(query_parameters(&query, generator));
    if endpoint.method == Method::Post && endpoint.needs != Needs::Open {
        parameters
            .push(json!({ "name": "Idempotency-Key", "in": "header", "required": false, "schema": { "type": "string", "minLength": 1, "maxLength": 128 } }));
        let kept_for = json!({ "type": "integer", "minimum": 0, "maximum": LONGEST_KEPT.as_secs() });
        let told = "Seconds since this was typed, where it waited for the line: what names no time is of then.";
        parameters.push(json!({ "name": "Kept-For", "in": "header", "required": false, "description": told, "schema": kept_for }));
    }
    if matches!(endpoint.method, Method::Patch | Method::Put) {
        parameters.push(json!({ "name": "If-Match", "in": "header", "required": false, "schema": { "type": "string" } }));
    }
    let mut described = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": responses(endpoint, generator),
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

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let answer = (endpoint.shapes.answer)(generator);
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses = json!({ "default": problem });
    let fine = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": answer } } });
    match endpoint.method {
        Method::Delete => responses["204"] = json!({ "description": "Done" }),
        Method::Post => {
            responses["200"] = fine("Done");
            responses["201"] = fine("Created");
        }
        _ => responses["200"] = fine("Done"),
    }
    if endpoint.needs != Needs::Open {
        responses["401"] = problem.clone();
    }
    if matches!(endpoint.needs, Needs::All(_) | Needs::Any(_)) {
        responses["403"] = problem;
    }
    responses
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect()
}

/// The properties of the query's shape, one parameter each.
fn query_parameters(query: &Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let reference = query.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    let shape = reference.and_then(|name| generator.definitions().get(name)).unwrap_or(query.as_value());
    let Some(properties) = shape.get("properties").and_then(Value::as_object) else { return Vec::new() };
    properties
        .iter()
        .map(|(name, schema)| {
            let description = schema.get("description").cloned().unwrap_or_default();
            json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
        })
        .collect()
}
