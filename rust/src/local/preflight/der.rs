//! Recognizes private keys in DER by their structure, whatever the file is called.

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// The identifiers of encryption with a password: PKCS#5 and PKCS#12.
const ENCRYPTIONS: [&[u8]; 2] =
    [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1]];

/// Whether a whole file is a private key: PKCS#8, plain or encrypted, PKCS#1, or SEC 1.
pub(super) fn is_private_key(file: &[u8]) -> bool {
    let Some((SEQUENCE, body, rest)) = element(file) else { return false };
    let parts = rest.trim_ascii().is_empty().then(|| elements(body)).flatten();
    match parts.as_deref() {
        Some([(INTEGER, [0 | 1]), (SEQUENCE, algorithm), (OCTETS, _), ..]) => {
            matches!(element(algorithm), Some((OBJECT_ID, _, _)))
        }
        Some([(SEQUENCE, algorithm), (OCTETS, _)]) => match element(algorithm) {
            Some((OBJECT_ID, id, _)) => ENCRYPTIONS.iter().any(|encryption| id.starts_with(encryption)),
            _ => false,
        },
        Some([(INTEGER, [1]), (OCTETS, key), ..]) => (16..=66).contains(&key.len()),
        Some([(INTEGER, [0]), numbers @ ..]) => numbers.len() >= 5 && numbers.iter().all(|(tag, _)| *tag == INTEGER),
        _ => false,
    }
}

/// All elements, by tag and content; `None` if the bytes are anything else.
fn elements(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (tag, content, rest) = element(bytes)?;
        all.push((tag, content));
        bytes = rest;
    }
    Some(all)
}

/// The first element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(SEQUENCE, &parts.concat())
    }

    fn id(bytes: &[u8]) -> Vec<u8> {
        sequence(&[tlv(OBJECT_ID, bytes)])
    }

    #[test]
    fn private_keys_of_every_form_are_recognized() {
        let number = |n: u8| tlv(INTEGER, &[n]);
        let plain = sequence(&[number(0), id(&[0x2b, 0x65, 0x70]), tlv(OCTETS, &[7; 34])]);
        let with_public = sequence(&[number(1), id(&[0x2b, 0x65, 0x70]), tlv(OCTETS, &[7; 34]), tlv(0x81, &[0; 33])]);
        let encrypted = sequence(&[id(&[ENCRYPTIONS[0], &[13]].concat()), tlv(OCTETS, &[7; 64])]);
        let rsa = sequence(&[vec![number(0)], vec![number(9); 8]].concat());
        let ec = sequence(&[number(1), tlv(OCTETS, &[7; 32])]);
        for key in [plain, with_public, encrypted, rsa, ec] {
            assert!(is_private_key(&key), "{key:02x?}");
            assert!(is_private_key(&[&key[..], b"\r\n"].concat()), "{key:02x?}");
            assert!(!is_private_key(&[&key[..], b"more"].concat()), "{key:02x?}");
            for length in 0..key.len() {
                assert!(!is_private_key(&key[..length]), "{length} of {key:02x?}");
            }
        }
    }

    #[test]
    fn public_keys_certificates_and_digests_are_left_alone() {
        let number = |n: u8| tlv(INTEGER, &[n]);
        let public = sequence(&[id(&[0x2b, 0x65, 0x70]), tlv(0x03, &[0; 33])]);
        let certificate = sequence(&[sequence(&[number(2)]), id(&[1, 2, 3]), tlv(0x03, &[0; 64])]);
        let digest = sequence(&[id(&[0x60, 0x86, 0x48, 1, 101, 3, 4, 2, 1]), tlv(OCTETS, &[7; 32])]);
        let truststore = sequence(&[number(3), sequence(&[tlv(OBJECT_ID, &[1]), tlv(0xa0, &[])])]);
        let rsa_public = sequence(&[number(9), number(3)]);
        for other in [public, certificate, digest, truststore, rsa_public, Vec::new(), b"0\x82".to_vec()] {
            assert!(!is_private_key(&other), "{other:02x?}");
        }
    }
}
