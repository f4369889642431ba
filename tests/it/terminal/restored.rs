//! A server that is restored from an older backup while somebody works: what he sent
//! since goes out once more, he reads that it does, and nothing is written twice.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::outbox::complains;
use super::screen::{Terminal, token_at};
use crate::harness::Caller;
use crate::harness::serving::program;

/// A dealer with a server of his own over demo data, killed at the end.
struct Dealer {
    folder: tempfile::TempDir,
    address: String,
    server: Child,
}

impl Dealer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, address) = started(folder.path(), &[]);
        Self { folder, address, server }
    }

    /// A verb of the command line over his database.
    fn runs(&self, verb: &[&str]) {
        let database = format!("sqlite://{}", self.folder.path().join("data/countertop/demo.db").display());
        let done = program(self.folder.path(), verb).args(["--database", &database]).output().unwrap();
        assert!(done.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn stops(&mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.server.id().to_string()]).status().unwrap().success());
        assert!(self.server.wait().unwrap().success());
    }

    /// Where it was before.
    fn starts_again(&mut self) {
        let listen = self.address.trim_start_matches("http://").to_owned();
        (self.server, self.address) = started(self.folder.path(), &["--listen", &listen]);
    }

    fn token(&self) -> String {
        token_at(&self.address, "counter", "demo")
    }

    /// How many requests have this complaint.
    fn filed(&self, complaint: &str) -> usize {
        let (runtime, token) = (tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), self.token());
        let (status, answer) = runtime.block_on(Caller::of(&self.address).with_token(&token).get("/v1/service-requests?limit=200"));
        assert_eq!(status, 200, "{answer}");
        answer["items"].as_array().unwrap().iter().filter(|item| item["complaint"] == complaint).count()
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The demo's server and its address.
fn started(folder: &Path, more: &[&str]) -> (Child, String) {
    let mut demo = program(folder, &["demo", "--no-tui"]);
    let mut server = demo.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?}")).to_owned();
    (server, address)
}

#[test]
fn whoever_signs_in_to_a_restored_server_reads_that_what_was_sent_since_goes_out_once_more() {
    let (mut dealer, folder) = (Dealer::new(), tempfile::tempdir().unwrap());
    let backup = folder.path().join("dealer.gz").display().to_string();
    dealer.runs(&["backup", &backup]);
    let token = dealer.token();
    let mut jo = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", &dealer.address), ("COUNTERTOP_TOKEN", &token)]);
    jo.until("online");
    jo.press("<F3>1047<Enter>").until("1 Identification");
    jo.settle();
    complains(&mut jo, "cab mount creaks");
    jo.press("<Ctrl-S>").until("was sent.");
    assert_eq!(dealer.filed("cab mount creaks"), 1);
    dealer.stops();
    dealer.runs(&["restore", &backup, "--replace"]);
    dealer.starts_again();
    assert_eq!(dealer.filed("cab mount creaks"), 0, "the backup is older");
    // No session comes alive again.
    jo.press("<F2>kel").until("Password");
    jo.settle();
    let told = ["restored from a backup: 1 of what you sent since", "None is written twice.", "Sent now: Service request for 1047."];
    jo.press("demo<Enter>").until_all(&told);
    let shown = jo.until("Keller Bau GmbH");
    assert!(!shown.contains("Could not search"), "what was refused is asked again: {shown}");
    jo.settle();
    jo.until_all(&told);
    assert_eq!(dealer.filed("cab mount creaks"), 1);
    jo.press("l").settle();
    assert!(!jo.text().contains("restored from a backup"), "that was read: {}", jo.text());
}
