//! Device codes at rest. The key is made from the terminal's poll code, of
//! which the database has only a hash: neither alone opens anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::api::ids::DeviceSignInId;

/// What separates the key from the hash in the database, which is of the poll
/// code alone.
const PURPOSE: &[u8] = b"countertop: device code at rest\n";

/// A device code, encrypted for the terminal with that poll code.
pub(in crate::server) fn seal(id: DeviceSignInId, poll_code: &str, device_code: &str) -> Option<String> {
    let mut bytes = device_code.as_bytes().to_vec();
    key(poll_code)?.seal_in_place_append_tag(nonce(), Aad::from(id.to_string()), &mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The device code again; none if it is not the same poll code and id.
pub(in crate::server) fn open(id: DeviceSignInId, poll_code: &str, sealed: &str) -> Option<String> {
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let opened = key(poll_code)?.open_in_place(nonce(), Aad::from(id.to_string()), &mut bytes).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

/// The poll code is 256 random bits, so that one hash makes a key of it.
fn key(poll_code: &str) -> Option<LessSafeKey> {
    let digest = Sha256::new().chain_update(PURPOSE).chain_update(poll_code).finalize();
    UnboundKey::new(&CHACHA20_POLY1305, &digest).ok().map(LessSafeKey::new)
}

/// Each key encrypts one text in its life, so that its nonce need not vary.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_terminal_that_began_can_go_on() {
        let id = DeviceSignInId::new();
        let sealed = seal(id, "poll", "device code").unwrap();
        assert!(!sealed.contains("device"));
        assert_eq!(open(id, "poll", &sealed).as_deref(), Some("device code"));
        assert_eq!(open(id, "other", &sealed), None);
        assert_eq!(open(DeviceSignInId::new(), "poll", &sealed), None);
        assert_eq!(open(id, "poll", &sealed[1..]), None);
        assert_eq!(open(id, "poll", ""), None);
    }
}
