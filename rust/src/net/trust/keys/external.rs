//! Keys that never leave a token or a service: a command makes the signatures.
//!
//! ```text
//! <role>.<8 hex of key id>.signer.json   {"schema": 1, "public": a key of TUF, "command": [program, argument…], "timeout_s": 60}
//! stdin   the bytes to sign, then the end
//! stdout  the signature: its bytes, or one line of hex or base64
//! ```
//!
//! The signature is verified with the public key of the file before it is used. What the command says on stderr is
//! shown if it fails.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tough::schema::key::Key;

use crate::error::{Error, Result};

/// How the names of these files end.
pub(super) const SUFFIX: &str = ".signer.json";

const SCHEMA: u32 = 1;

/// Most bytes of a signature, in whatever form: RSA of 8192 bits as hex.
const MAX_SIGNATURE_BYTES: u64 = 4 << 10;

/// Most bytes of what the command says on stderr.
const MAX_SAID_BYTES: u64 = 2 << 10;

/// How long a command may take unless its file says otherwise: somebody may have to touch a token.
const DEFAULT_TIMEOUT_S: u64 = 60;
const MAX_TIMEOUT_S: u64 = 3600;

/// How often a waiting command is looked at.
const TICK: Duration = Duration::from_millis(20);

/// A command that signs, and the public key of its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::net::trust) struct SigningCommand {
    schema: u32,
    pub(in crate::net::trust) public: Key,
    command: Vec<String>,
    #[serde(default = "default_timeout")]
    timeout_s: u64,
}

fn default_timeout() -> u64 {
    DEFAULT_TIMEOUT_S
}

impl SigningCommand {
    pub(super) fn new(public: Key, command: Vec<String>, timeout_s: Option<u64>) -> Result<Self> {
        let new = Self { schema: SCHEMA, public, command, timeout_s: timeout_s.unwrap_or(DEFAULT_TIMEOUT_S) };
        new.check()?;
        Ok(new)
    }

    pub(in crate::net::trust) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let bad = || Error::invalid("key", format!("{} does not describe a signing command", path.display()));
        let found: Self = serde_json::from_slice(bytes).map_err(|e| bad().caused_by(e))?;
        found.check()?;
        Ok(found)
    }

    fn check(&self) -> Result<()> {
        if self.schema != SCHEMA || self.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("signing command", "it names no program, or is of an unknown schema"));
        }
        if !(1..=MAX_TIMEOUT_S).contains(&self.timeout_s) {
            let reason = format!("its timeout_s must be between 1 and {MAX_TIMEOUT_S}");
            return Err(Error::invalid("signing command", reason));
        }
        Ok(())
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = serde_json::to_vec_pretty(self);
        let mut bytes = bytes.map_err(|e| Error::unsupported("this signing command").caused_by(e))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Runs the command, and verifies the signature that it makes.
    pub(in crate::net::trust) fn sign(&self, message: &[u8], path: &Path) -> Result<Vec<u8>> {
        let failed = |reason: String| Error::SignerFailed { path: path.to_owned(), reason };
        let said = self.run(message, path)?;
        let found = candidates(&said).into_iter().find(|signature| self.verifies(message, signature));
        found.ok_or_else(|| {
            failed(format!("its {} bytes are not a signature by the public key of the file", said.len()))
        })
    }

    fn run(&self, message: &[u8], path: &Path) -> Result<Vec<u8>> {
        let failed = |reason: String| Error::SignerFailed { path: path.to_owned(), reason };
        let (program, arguments) = self.command.split_first().ok_or_else(|| failed("it names no program".into()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(format!("{program} does not start: {}", crate::text::system_reason(&e))))?;
        let (said, complaint) =
            (read(child.stdout.take(), MAX_SIGNATURE_BYTES, false), read(child.stderr.take(), MAX_SAID_BYTES, true));
        if let Some(mut input) = child.stdin.take() {
            let message = message.to_vec();
            // A command that does not read all of it says why, or its signature does not verify.
            std::thread::spawn(move || {
                let _ = input.write_all(&message);
            });
        }
        let ends = Instant::now() + Duration::from_secs(self.timeout_s);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < ends => std::thread::sleep(TICK),
                Ok(None) => {
                    end(&mut child);
                    return Err(failed(format!("it has not ended after {} s", self.timeout_s)));
                }
                Err(e) => {
                    end(&mut child);
                    return Err(failed(crate::text::system_reason(&e)));
                }
            }
        };
        // A program that it has started may keep the pipes open.
        let wait = |from: std::sync::mpsc::Receiver<Vec<u8>>| {
            from.recv_timeout(ends.saturating_duration_since(Instant::now()).max(TICK)).ok()
        };
        let said = wait(said).ok_or_else(|| failed("its output does not end".to_owned()))?;
        if said.len() as u64 >= MAX_SIGNATURE_BYTES {
            return Err(failed("it said more than a signature".to_owned()));
        }
        if !status.success() {
            let complaint = wait(complaint).unwrap_or_default();
            return Err(failed(format!("{status}: {}", crate::text::message(&String::from_utf8_lossy(&complaint)))));
        }
        Ok(said)
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            Key::Ed25519 { keyval, .. } => {
                UnparsedPublicKey::new(&ED25519, keyval.public.to_vec()).verify(message, signature).is_ok()
            }
            Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, keyval.public.to_vec())
                    .verify(message, signature)
                    .is_ok()
            }
            Key::Rsa { keyval, .. } => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, keyval.public.to_vec())
                .verify(message, signature)
                .is_ok(),
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads on a thread, so that neither pipe blocks the command. Without `drains`, a command that says more is cut off.
fn read(from: Option<impl Read + Send + 'static>, max_bytes: u64, drains: bool) -> std::sync::mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            let mut from = from.take(max_bytes);
            let _ = from.read_to_end(&mut bytes);
            if drains {
                // Whatever is left must not block the command.
                let _ = std::io::copy(&mut from.into_inner(), &mut std::io::sink());
            }
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// What the output may mean: bytes, hex or base64. ECDSA of PKCS#11 is 64 plain bytes, and TUF wants them as ASN.1.
fn candidates(said: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![said.to_vec()];
    if let Ok(text) = std::str::from_utf8(said) {
        let text: String = text.split_whitespace().collect();
        all.extend(hex::decode(&text).ok());
        all.extend(STANDARD.decode(&text).ok());
    }
    let plain: Vec<Vec<u8>> = all.iter().filter(|bytes| bytes.len() == 64).map(|bytes| asn1(bytes)).collect();
    all.extend(plain);
    all
}

/// Two numbers of 32 bytes as an ASN.1 sequence.
fn asn1(plain: &[u8]) -> Vec<u8> {
    // Everything here is shorter than 128 bytes, so a length is one byte.
    let short = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
    let mut body = Vec::new();
    for number in plain.chunks(32) {
        let significant: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let needs_zero = significant.first().is_none_or(|byte| *byte >= 0x80);
        body.push(0x02);
        body.push(short(significant.len() + usize::from(needs_zero)));
        body.extend(needs_zero.then_some(0));
        body.extend(significant);
    }
    let mut all = vec![0x30, short(body.len())];
    all.extend(body);
    all
}

/// A public key from a file: hex of Ed25519, or PEM (`SubjectPublicKeyInfo`) of Ed25519, ECDSA P-256 or RSA.
pub(super) fn public_key(text: &str) -> Result<Key> {
    let bad = || Error::invalid("public key", "it is neither a PEM of Ed25519, ECDSA P-256 or RSA nor 64 hex digits");
    let text = text.trim();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    // `SubjectPublicKeyInfo` of Ed25519 is this prefix and the key (RFC 8410).
    let of_ed25519 = STANDARD.decode(body.trim()).ok().and_then(|der| {
        der.strip_prefix(b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")
            .filter(|key| key.len() == 32)
            .map(hex::encode)
    });
    of_ed25519.as_deref().unwrap_or(text).parse().map_err(|_| bad())
}

/// The path of a signing command's file.
pub(super) fn path_in(folder: &Path, role: &str, id: &str) -> PathBuf {
    folder.join(format!("{role}.{}{SUFFIX}", &id[..8]))
}
