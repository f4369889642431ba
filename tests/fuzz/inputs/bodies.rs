//! Bodies of every operation that writes, sent to a real server by an
//! administrator. The first byte says which operation.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use countertop::api::operation::{ENDPOINTS, Method};
use countertop::server::{Arrangements, Running, Transport, serve};
use serde_json::Value;

use super::desk::{Desk, TOKEN};

/// The server, and what can be asked of it: method and path.
pub(crate) struct Counter {
    /// It serves for as long as this lives.
    _running: Running,
    server: SocketAddr,
    calls: Vec<(&'static str, String)>,
}

impl Counter {
    pub(crate) fn at(desk: &Desk) -> Self {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = desk.runtime.block_on(serve(desk.db.clone(), local, Transport::Plain, Arrangements::default())).expect("the server starts");
        let server = running.address;
        let records = records(server);
        let writes = ENDPOINTS.iter().filter(|endpoint| !matches!(endpoint.method, Method::Get | Method::Delete));
        let calls = writes.map(|endpoint| (endpoint.method.name(), filled(endpoint.path, &records))).collect();
        Self { _running: running, server, calls }
    }

    pub(crate) fn take(&self, bytes: &[u8]) {
        let Some((nth, body)) = bytes.split_first() else { return };
        let (method, path) = &self.calls[usize::from(*nth) % self.calls.len()];
        let (status, answer) = ask(self.server, method, path, body).expect("an answer");
        judge(&format!("{method} {path}"), status, &answer);
    }
}

/// Whatever is sent, the server does not fail, and says so in JSON.
pub(crate) fn judge(asked: &str, status: u16, answer: &[u8]) {
    let said = String::from_utf8_lossy(answer);
    assert!(status < 500, "{asked}: {status} {said}");
    assert!(serde_json::from_slice::<Value>(answer).is_ok(), "{asked}: {status} {said}");
}

/// Sends a call, and gives the status and the body of its answer.
fn ask(server: SocketAddr, method: &str, path: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let mut line = TcpStream::connect(server)?;
    line.set_read_timeout(Some(Duration::from_secs(15)))?;
    let (token, length) = (TOKEN, body.len());
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: fuzz\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    line.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    line.read_to_end(&mut answer)?;
    let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let begins = answer.windows(4).position(|end| end == b"\r\n\r\n");
    match (status, begins) {
        (Some(status), Some(begins)) => Ok((status, answer.split_off(begins + 4))),
        _ => Err(std::io::ErrorKind::InvalidData.into()),
    }
}

/// One record of each noun that there is.
fn records(server: SocketAddr) -> HashMap<&'static str, String> {
    let first = |path: &str| {
        let (status, body) = ask(server, "GET", path, b"").expect("an answer");
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        answer["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{path}: {status} {answer}")).to_owned()
    };
    let customer = first("/v1/customers?q=keller");
    let asset = first(&format!("/v1/customers/{customer}/assets"));
    let lists = [("shops", "/v1/shops"), ("organizations", "/v1/organizations"), ("users", "/v1/users")];
    let listed = lists.map(|(noun, path)| (noun, first(path)));
    let by_name = [("meters", "engine_hours"), ("roles", "technician")].map(|(noun, name)| (noun, name.to_owned()));
    listed.into_iter().chain(by_name).chain([("customers", customer), ("assets", asset)]).collect()
}

/// A path with its parameters: a record that there is, or one that is not.
fn filled(path: &str, records: &HashMap<&'static str, String>) -> String {
    let mut noun = "";
    let parts = path.split('/').map(|part| {
        let before = std::mem::replace(&mut noun, part);
        if part.starts_with('{') { records.get(before).cloned().unwrap_or_else(|| uuid::Uuid::now_v7().to_string()) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("/")
}
