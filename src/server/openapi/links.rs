//! Where an answer leads: from what creates or lists records to all that can be
//! asked of one, found by the types of ids and never named by hand.

use serde_json::{Map, Value, json};

use super::{name_of, resolved};
use crate::api::operation::{ENDPOINTS, Endpoint, Method};

/// A record that an answer holds: where in it, and what it looks like.
struct Record<'s> {
    pointer: String,
    shape: &'s Map<String, Value>,
}

/// Adds the links of every operation that creates or lists.
pub(super) fn add(paths: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    let described = paths.clone();
    for source in ENDPOINTS {
        let operation = described_as(&described, source);
        let done = source.done.to_string();
        let answer = &operation["responses"][&done]["content"]["application/json"]["schema"];
        let Some(record) = record(answer, schemas, String::new()).filter(|record| is_new_or_listed(source, record)) else { continue };
        let links: Map<String, Value> =
            ENDPOINTS.iter().filter_map(|target| Some((target.name.to_owned(), link(operation, &record, target, described_as(&described, target))?))).collect();
        if !links.is_empty() {
            paths[source.path][source.method.name().to_lowercase()]["responses"][&done]["links"] = Value::Object(links);
        }
    }
}

/// Creating gives one, a list or a search the first of several. Who asks for one
/// record has its id already.
fn is_new_or_listed(source: &Endpoint, record: &Record<'_>) -> bool {
    match source.method {
        Method::Post => source.done == 201,
        Method::Get => record.pointer.starts_with("/items"),
        _ => false,
    }
}

fn described_as<'d>(paths: &'d Map<String, Value>, endpoint: &Endpoint) -> &'d Value {
    &paths[endpoint.path][endpoint.method.name().to_lowercase()]
}

/// The record itself, the first of a list, or the one that stands in a hit.
fn record<'s>(schema: &'s Value, schemas: &'s Map<String, Value>, pointer: String) -> Option<Record<'s>> {
    let shape = resolved(schema, schemas).get("properties")?.as_object()?;
    if let Some(rows) = shape.get("items").and_then(|items| items.get("items")) {
        return record(rows, schemas, format!("{pointer}/items/0"));
    }
    if shape.contains_key("id") || shape.contains_key("key") {
        return Some(Record { pointer, shape });
    }
    let (name, only) = shape.iter().find(|(_, held)| is_record(held, schemas))?;
    record(only, schemas, format!("{pointer}/{name}"))
}

fn is_record(schema: &Value, schemas: &Map<String, Value>) -> bool {
    name_of(schema).and_then(|name| schemas.get(name)?.get("properties")?.get("id")).is_some()
}

/// The link, if the record gives something that the target asks for, and what it
/// does not give was in the path already.
fn link(source: &Value, record: &Record<'_>, target: &Endpoint, described: &Value) -> Option<Value> {
    let of_path = |operation: &Value| -> Vec<(String, Value)> {
        let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path");
        parameters.map(|parameter| (parameter["name"].as_str().unwrap_or_default().to_owned(), parameter["schema"].clone())).collect()
    };
    let known = of_path(source);
    let mut gives = false;
    let mut parameters = Map::new();
    for (name, wanted) in of_path(described) {
        let held = record.shape.iter().find(|(held, schema)| fits(held, schema, &name, &wanted));
        let from = match held {
            Some((held, _)) => {
                gives = true;
                format!("$response.body#{}/{held}", record.pointer)
            }
            None => {
                let (known, _) = known.iter().find(|(known, schema)| *known == name && name_of(schema) == name_of(&wanted))?;
                format!("$request.path.{known}")
            }
        };
        parameters.insert(name, json!(from));
    }
    gives.then(|| json!({ "operationId": target.name, "parameters": parameters }))
}

/// Whether a member of a record is what a path asks for: its id is told by its
/// type, any other word by its name.
fn fits(held: &str, schema: &Value, name: &str, wanted: &Value) -> bool {
    match name_of(wanted) {
        Some(id) => held == "id" && name_of(schema) == Some(id),
        None => held == name && schema.get("type") == wanted.get("type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_created_or_found_leads_to_what_can_be_asked_of_it() {
        let document = super::super::document();
        let links = |path: &str, method: &str, status: &str| document["paths"][path][method]["responses"][status]["links"].clone();
        let created = links("/v1/customers", "post", "201");
        assert_eq!(created["GetCustomer"]["parameters"], json!({ "id": "$response.body#/id" }));
        assert!(created["ListCustomerAssets"].is_object() && created["GetAsset"].is_null(), "a customer's id is no asset's");
        assert_eq!(links("/v1/assets/lookup", "get", "200")["GetAsset"]["parameters"], json!({ "id": "$response.body#/items/0/asset/id" }));
        let meters = links("/v1/assets/{id}/meters", "get", "200");
        assert_eq!(meters["ListReadings"]["parameters"], json!({ "id": "$request.path.id", "meter": "$response.body#/items/0/meter" }));
        let sessions = links("/v1/users/{id}/sessions", "get", "200");
        assert_eq!(sessions["EndUserSession"]["parameters"], json!({ "id": "$request.path.id", "session": "$response.body#/items/0/id" }));
        assert_eq!(links("/v1/roles", "get", "200")["ChangeRole"]["parameters"], json!({ "key": "$response.body#/items/0/key" }));
    }
}
