//! TLS between the program as a server and the real client; and plain HTTP,
//! which stays on loopback.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use countertop::api::operation::GetSession;
use countertop::api::page::Nothing;
use countertop::client::{Client, ClientError, Trust};
use countertop::config::{Fingerprint, Value as _};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sha2::{Digest as _, Sha256};

use crate::terminal::screen::own_folders;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program in a folder of its own.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("COUNTERTOP_SERVER").env_remove("COUNTERTOP_TOKEN").env_remove("COUNTERTOP_CONFIG");
    command.env("COUNTERTOP_DATABASE", format!("sqlite://{}", folder.join("a.db").display()));
    for (name, value) in own_folders(folder) {
        command.env(name, value);
    }
    command
}

/// Where a configuration belongs in such a folder.
fn configure(folder: &Path, text: &str) {
    let home = folder.join("config/countertop");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("config.toml"), text).unwrap();
}

/// `countertop serve`, killed at the end unless it was stopped.
struct Server {
    child: Child,
    /// What its first line names.
    address: String,
    log: PathBuf,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let log = folder.join("log");
        let mut command = program(folder, &["serve"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let told = || std::fs::read_to_string(&log).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?} {}", told())).to_owned();
        Self { child, address, log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The fingerprint that was printed.
    fn fingerprint(&self) -> [u8; 32] {
        let log = self.log();
        let at = log.find("sha256:").unwrap_or_else(|| panic!("no fingerprint: {log}"));
        Fingerprint::from_text(&log[at..at + "sha256:".len() + 64]).unwrap().0
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits until the log has a text so many times.
    fn until(&self, text: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        while self.log().matches(text).count() < times {
            assert!(Instant::now() < end, "no {text:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn socket(&self) -> SocketAddr {
        self.address.rsplit_once('/').unwrap().1.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a client's call arrives; nobody is signed in, and the server says so.
async fn arrives(client: &Client) -> Result<(), ClientError> {
    let nothing = Nothing {};
    match client.call::<GetSession>(&nothing, &nothing, &nothing).await {
        Err(ClientError::Refused(problem)) if problem.status == 401 => Ok(()),
        Err(error) => Err(error),
        Ok(_) => panic!("nobody is signed in"),
    }
}

/// A call by a new client.
async fn ask(server: &Server, trust: Trust) -> Result<(), ClientError> {
    arrives(&Client::trusting(&server.address, None, trust).unwrap()).await
}

fn pin(fingerprint: [u8; 32]) -> Trust {
    Trust { pinned: Some(fingerprint), ..Trust::default() }
}

/// What a client says that does not trust the server.
#[track_caller]
fn untrusted(asked: Result<(), ClientError>) -> String {
    match asked {
        Err(error @ ClientError::Untrusted { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// An authority of a dealer's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes a certificate for a name and its key as `server.pem` and
    /// `server.key`; gives its fingerprint.
    fn sign(&self, name: &str, folder: &Path) -> [u8; 32] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "a counter's server");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        Sha256::digest(certificate.der()).into()
    }

    /// As `client.ca_file`.
    fn trusted(&self, folder: &Path) -> Trust {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.pem).unwrap();
        Trust { ca_file: Some(path), ..Trust::default() }
    }
}

/// A server with the certificate in its folder.
fn with_files(folder: &Path) -> Server {
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    Server::start(folder, &["--listen", "127.0.0.1:0", "--tls-certificate", &at("server.pem"), "--tls-key", &at("server.key")])
}

#[tokio::test]
async fn a_self_made_certificate_is_pinned_and_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--tls-self-made"];
    let server = Server::start(folder.path(), &arguments);
    assert!(server.address.starts_with("https://127.0.0.1:"), "{}", server.address);
    let fingerprint = server.fingerprint();
    ask(&server, pin(fingerprint)).await.unwrap();
    let mut other = fingerprint;
    other[31] ^= 1;
    let told = untrusted(ask(&server, pin(other)).await);
    assert!(told.contains("the server showed another certificate than the pinned one"), "{told}");
    assert!(told.contains(&Fingerprint(fingerprint).to_string()), "and which: {told}");
    drop(server);
    assert_eq!(Server::start(folder.path(), &arguments).fingerprint(), fingerprint, "kept for the next time");
}

#[cfg(unix)]
#[test]
fn the_self_made_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--tls-self-made"];
    drop(Server::start(folder.path(), &arguments));
    let path = folder.path().join("data/countertop/self-made-certificate.pem");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = program(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--tls-self-made"]).output().unwrap();
    assert!(!refused.status.success() && said(&refused).contains("may be read by others"), "{}", said(&refused));
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let fingerprint = ours.sign("127.0.0.1", folder.path());
    let server = with_files(folder.path());
    ask(&server, ours.trusted(folder.path())).await.unwrap();
    let told = untrusted(ask(&server, theirs.trusted(folder.path())).await);
    assert!(told.contains("client.ca_file") && told.contains("client.pinned_certificate"), "what to do: {told}");
    ask(&server, Trust { pinned: Some(fingerprint), ..theirs.trusted(folder.path()) }).await.unwrap();
    let nowhere = Trust { ca_file: Some(folder.path().join("nowhere.pem")), ..Trust::default() };
    assert!(untrusted(ask(&server, nowhere).await).contains("nowhere.pem"));
}

#[tokio::test]
async fn a_name_counts_for_an_authority_and_not_for_a_pin() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ours");
    let fingerprint = authority.sign("counter.dealer.example", folder.path());
    let server = with_files(folder.path());
    let told = untrusted(ask(&server, authority.trusted(folder.path())).await);
    assert!(told.contains("another name"), "{told}");
    ask(&server, pin(fingerprint)).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_renewed_certificate_is_shown_without_dropping_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ours");
    let first = authority.sign("127.0.0.1", folder.path());
    let mut server = with_files(folder.path());
    let connected = Client::trusting(&server.address, None, pin(first)).unwrap();
    arrives(&connected).await.unwrap();

    let second = authority.sign("127.0.0.1", folder.path());
    server.signal("-HUP");
    server.until("the certificate was read again", 1);
    ask(&server, pin(second)).await.unwrap();
    untrusted(ask(&server, pin(first)).await);
    arrives(&connected).await.expect("the line that was open stays open");

    // A key without its certificate, and then no certificate at all.
    let pem = std::fs::read(folder.path().join("server.pem")).unwrap();
    authority.sign("127.0.0.1", folder.path());
    std::fs::write(folder.path().join("server.pem"), pem).unwrap();
    server.signal("-HUP");
    server.until("could not be read again", 1);
    assert!(server.log().contains("does not belong to the certificate"), "{}", server.log());
    std::fs::write(folder.path().join("server.pem"), "no certificate").unwrap();
    server.signal("-HUP");
    server.until("could not be read again", 2);
    ask(&server, pin(second)).await.expect("the old certificate stays");

    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success(), "and it ends as ever: {}", server.log());
}

#[tokio::test]
async fn who_dawdles_over_a_handshake_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--listen", "127.0.0.1:0", "--tls-self-made"]);
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(server.socket()).unwrap()).collect();
    let begun = Instant::now();
    ask(&server, pin(server.fingerprint())).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
}

#[test]
fn the_verbs_heed_the_pin_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--listen", "127.0.0.1:0", "--tls-self-made"]);
    let find = |pinned: [u8; 32]| {
        configure(folder.path(), &format!("[client]\nserver = \"{}\"\npinned_certificate = \"{}\"\n", server.address, Fingerprint(pinned)));
        program(folder.path(), &["find", "keller"]).output().unwrap()
    };
    let found = find(server.fingerprint());
    assert!(found.status.code() == Some(1) && said(&found).contains("countertop login"), "it was reached: {}", said(&found));
    let refused = find([0; 32]);
    assert!(refused.status.code() == Some(5) && said(&refused).contains("another certificate than the pinned one"), "{}", said(&refused));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn plain_http_beyond_loopback_is_refused_unless_said_twice() {
    let folder = tempfile::tempdir().unwrap();
    let everywhere = ["serve", "--listen", "0.0.0.0:0"];
    let refused = |arguments: &[&str]| {
        let output = program(folder.path(), arguments).output().unwrap();
        let told = said(&output);
        assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{told}");
        assert!(told.contains("0.0.0.0:0") && told.contains("tls_certificate") && told.contains("--plain-http"), "{told}");
        assert!(!folder.path().join("a.db").exists(), "nothing was begun");
    };
    let flag = [everywhere.as_slice(), &["--plain-http"]].concat();
    refused(&everywhere);
    refused(&flag);
    configure(folder.path(), "[server]\nplain_http = true\n");
    refused(&everywhere);
    let server = Server::start(folder.path(), &flag[1..]);
    assert!(server.address.starts_with("http://0.0.0.0:"), "{}", server.address);
}

#[test]
fn half_a_certificate_and_two_of_them_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [["--tls-certificate", "a.pem"].as_slice(), &["--tls-key", "a.key"], &["--tls-key", "a.key", "--tls-certificate", "a.pem", "--tls-self-made"]]
    {
        let refused = program(folder.path(), &[["serve"].as_slice(), flags].concat()).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{flags:?}: {}", said(&refused));
    }
    let refused = program(folder.path(), &["serve", "--tls-key", "a.key", "--tls-certificate", "a.pem"]).output().unwrap();
    assert!(refused.status.code() == Some(1) && said(&refused).contains("a.pem cannot be read"), "{}", said(&refused));
}

#[test]
fn a_client_sends_nothing_in_plain_http_to_another_machine() {
    // An address for documentation: nobody is there.
    let elsewhere = "http://192.0.2.1:7420";
    let error = Client::new(elsewhere, None).unwrap_err();
    assert!(matches!(&error, ClientError::PlainHttp(server) if server == elsewhere), "{error:?}");
    assert!(error.to_string().contains("https://") && error.to_string().contains("client.plain_http"), "{error}");
    for here in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://192.0.2.1:7420"] {
        assert!(Client::new(here, None).is_ok(), "{here}");
    }
    let twice = Trust { plain_http: Some(elsewhere.to_owned()), ..Trust::default() };
    assert!(Client::trusting(elsewhere, None, twice.clone()).is_ok());
    assert!(Client::trusting("http://192.0.2.2:7420", None, twice).is_err(), "another one was named");

    let folder = tempfile::tempdir().unwrap();
    let refused = program(folder.path(), &["find", "keller", "--server", elsewhere]).output().unwrap();
    assert!(refused.status.code() == Some(2) && said(&refused).contains("plain HTTP to another machine"), "{}", said(&refused));
}
