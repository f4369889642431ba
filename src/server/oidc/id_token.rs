//! The ID token: who signed it, for whom, and until when (OpenID Connect Core
//! 3.1.3.7). RS256 and ES256 only; the cryptography is ring's.
//!
//! There is no nonce: in the device grant nothing carries one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Clocks of two machines differ by no more than this, in seconds.
const CLOCKS_DIFFER: f64 = 60.0;
/// OpenID Connect allows no longer ones.
const LONGEST_SUBJECT: usize = 255;

/// Everything the provider said about somebody.
pub(super) type Claims = Map<String, Value>;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    /// It is no signed token.
    #[error("the ID token is not made as one")]
    Malformed,
    /// Signed in a way that we do not check, or not at all.
    #[error("the ID token is signed by {0}; set the provider to RS256 or ES256 for this application")]
    Algorithm(String),
    /// Its key may be newer than those we know.
    #[error("the ID token is signed with a key that the provider does not publish")]
    UnknownKey,
    /// The signature is of something else.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// Somebody else made it.
    #[error("the ID token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the ID token is meant for another application")]
    Audience,
    /// It is over, or not yet good.
    #[error("the ID token is not good at this time: compare the clocks of this machine and of the provider")]
    Time,
    /// It says nobody.
    #[error("the ID token names nobody")]
    Subject,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// Who makes it.
    pub(super) issuer: &'a str,
    /// For whom.
    pub(super) client_id: &'a str,
    /// The time, in seconds since 1970.
    pub(super) now: f64,
}

/// A public key of the provider (RFC 7517); what we cannot use is left out.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The published keys; what is no key of ours to use is passed over.
pub(super) fn keys(published: &[Value]) -> Vec<Key> {
    published.iter().filter_map(|key| Key::deserialize(key).ok()).collect()
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// What must be understood; we understand nothing beyond the standard.
    crit: Option<Value>,
}

/// The ways of signing that we check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    /// The key's own type decides, never the token's word alone: a key is not
    /// used for what it was not made for.
    fn fits(self, key: &Key) -> bool {
        let (name, kind) = match self {
            Self::Rs256 => ("RS256", key.kty == "RSA"),
            Self::Es256 => ("ES256", key.kty == "EC" && key.crv.as_deref() == Some("P-256")),
        };
        kind && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig") && key.alg.as_deref().is_none_or(|alg| alg == name)
    }

    fn is_signed_by(self, key: &Key, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256 => {
                let (Some(n), Some(e)) = (number(key.n.as_ref()), number(key.e.as_ref())) else { return false };
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Self::Es256 => {
                let (Some(x), Some(y)) = (coordinate(key.x.as_ref()), coordinate(key.y.as_ref())) else { return false };
                // An uncompressed point begins with 4.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

/// A number without leading zeros, as ring wants it.
fn number(encoded: Option<&String>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded?).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

/// A coordinate of the curve P-256.
fn coordinate(encoded: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(encoded?).ok().filter(|bytes| bytes.len() == 32)
}

/// The claims of a token that is the provider's, for us, and good now.
pub(super) fn verified(token: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, TokenFault> {
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    let header: Header = part(header)?;
    let algorithm = Algorithm::named(&header.alg).ok_or_else(|| TokenFault::Algorithm(word(&header.alg)))?;
    if header.crit.is_some() {
        return Err(TokenFault::Malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFault::Malformed)?;
    let meant = |key: &&Key| algorithm.fits(key) && (header.kid.is_none() || header.kid == key.kid);
    let mut candidates = keys.iter().filter(meant).peekable();
    if candidates.peek().is_none() {
        return Err(TokenFault::UnknownKey);
    }
    if !candidates.any(|key| algorithm.is_signed_by(key, message.as_bytes(), &signature)) {
        return Err(TokenFault::Signature);
    }
    let claims: Claims = part(claims)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn part<T: serde::de::DeserializeOwned>(encoded: &str) -> Result<T, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Malformed)
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    let is_us = |value: &Value| value.as_str() == Some(expected.client_id);
    let for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_us) && (several.len() == 1 || claims.contains_key("azp")),
        Some(one) => is_us(one),
        None => false,
    };
    if !for_us || !claims.get("azp").is_none_or(is_us) {
        return Err(TokenFault::Audience);
    }
    // Some providers write times with a fraction.
    let after_now = |name: &str| claims.get(name).and_then(Value::as_f64).map(|time| time - expected.now);
    let over = after_now("exp").is_none_or(|left| left <= -CLOCKS_DIFFER);
    let early = ["iat", "nbf"].iter().filter_map(|name| after_now(name)).any(|ahead| ahead > CLOCKS_DIFFER);
    if over || early {
        return Err(TokenFault::Time);
    }
    if text("sub").is_some_and(is_subject) { Ok(()) } else { Err(TokenFault::Subject) }
}

/// Whether it can be a subject: 1 to 255 printable ASCII characters.
fn is_subject(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A word of the provider's, harmless and short.
pub(super) fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(60).collect()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const EXPECTED: Expected<'static> = Expected { issuer: "https://idp.example", client_id: "countertop", now: 1_800_000_000.0 };

    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
            Self { pair, random }
        }

        fn published(&self) -> Vec<Key> {
            let point = self.pair.public_key().as_ref();
            let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            keys(&[
                json!({ "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]) }),
            ])
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
            let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn header() -> Value {
        json!({ "alg": "ES256", "kid": "1" })
    }

    fn claims() -> Value {
        json!({ "iss": "https://idp.example", "aud": "countertop", "sub": "jo", "iat": NOW, "exp": NOW + 300 })
    }

    fn but(name: &str, value: &Value) -> Value {
        let mut claims = claims();
        claims[name] = value.clone();
        claims
    }

    #[test]
    fn a_good_token_is_believed() {
        let signer = Signer::new();
        let told = verified(&signer.token(&header(), &claims()), &signer.published(), &EXPECTED).unwrap();
        assert_eq!(told["sub"], "jo");
        let several = but("aud", &json!(["countertop", "other"]));
        assert_eq!(verified(&signer.token(&header(), &several), &signer.published(), &EXPECTED), Err(TokenFault::Audience), "several and nobody named");
    }

    #[test]
    fn what_is_not_ours_or_not_now_is_not() {
        let signer = Signer::new();
        let fault = |claims: &Value| verified(&signer.token(&header(), claims), &signer.published(), &EXPECTED).unwrap_err();
        assert_eq!(fault(&but("iss", &json!("https://idp.example/"))), TokenFault::Issuer);
        for aud in [json!("other"), json!(["other"]), json!([]), Value::Null] {
            assert_eq!(fault(&but("aud", &aud)), TokenFault::Audience, "{aud}");
        }
        assert_eq!(fault(&but("azp", &json!("other"))), TokenFault::Audience);
        for (name, value) in [("exp", json!(NOW - 61)), ("exp", Value::Null), ("exp", json!("soon")), ("iat", json!(NOW + 61)), ("nbf", json!(NOW + 61))] {
            assert_eq!(fault(&but(name, &value)), TokenFault::Time, "{name} {value}");
        }
        for sub in [json!(""), json!(7), json!("a\u{0}b"), json!("x".repeat(256)), Value::Null] {
            assert_eq!(fault(&but("sub", &sub)), TokenFault::Subject, "{sub}");
        }
    }

    #[test]
    fn only_the_published_keys_and_ways_count() {
        let (signer, other) = (Signer::new(), Signer::new());
        let token = signer.token(&header(), &claims());
        let check = |token: &str, keys: &[Key]| verified(token, keys, &EXPECTED).unwrap_err();
        assert_eq!(check(&token, &other.published()), TokenFault::Signature);
        assert_eq!(check(&token, &[]), TokenFault::UnknownKey);
        assert_eq!(check(&signer.token(&json!({ "alg": "ES256", "kid": "2" }), &claims()), &signer.published()), TokenFault::UnknownKey);
        assert_eq!(
            check(&signer.token(&json!({ "alg": "RS256", "kid": "1" }), &claims()), &signer.published()),
            TokenFault::UnknownKey,
            "a key is of one sort"
        );
        for alg in ["none", "HS256", "EdDSA"] {
            assert_eq!(check(&signer.token(&json!({ "alg": alg, "kid": "1" }), &claims()), &signer.published()), TokenFault::Algorithm(alg.to_owned()));
        }
        assert_eq!(check(&signer.token(&json!({ "alg": "ES256", "kid": "1", "crit": ["x"] }), &claims()), &signer.published()), TokenFault::Malformed);
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        assert_eq!(check(&format!("{unsigned}."), &signer.published()), TokenFault::Signature);
        for odd in ["", ".", "..", "a.b.c", "no token"] {
            assert_eq!(check(odd, &signer.published()), TokenFault::Malformed, "{odd:?}");
        }
    }

    #[test]
    fn one_changed_letter_breaks_the_signature() {
        let signer = Signer::new();
        let token = signer.token(&header(), &claims());
        let other = signer.token(&header(), &but("sub", &json!("boss")));
        let (parts, others): (Vec<&str>, Vec<&str>) = (token.split('.').collect(), other.split('.').collect());
        let mixed = [parts[0], others[1], parts[2]].join(".");
        assert_eq!(verified(&mixed, &signer.published(), &EXPECTED), Err(TokenFault::Signature));
    }
}
