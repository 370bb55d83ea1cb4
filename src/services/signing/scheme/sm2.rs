//! SM2 with SM3 (GB/T 32918.2) over the recommended curve (GB/T 32918.5).

use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point as _;

use super::{Scheme, Seed};

/// The second way to sign.
pub(super) struct Sm2;

/// Who signs, as the algorithm mixes it into every hash: what everybody uses who agreed on nothing else (GM/T 0009). Whose
/// key it is stands in the signed words.
const IDENTITY: &str = "1234567812345678";

/// One less than the order of the curve: no secret half, for the algorithm divides by what is one more than it.
const ORDER_LESS_ONE: Seed = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x72, 0x03, 0xdf,
    0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x22,
];

/// A point as `04 ‖ x ‖ y`.
const POINT: usize = 65;

fn pair(seed: &Seed) -> Option<SigningKey> {
    if *seed >= ORDER_LESS_ONE {
        return None;
    }
    SigningKey::from_slice(IDENTITY, seed).ok()
}

/// The key of a point that is written in the one way in which we write it: SEC 1 has shorter ones, of another fingerprint.
fn key_of(public_key: &[u8]) -> Option<VerifyingKey> {
    let is_our_form = public_key.len() == POINT && public_key.first() == Some(&4);
    is_our_form.then(|| VerifyingKey::from_sec1_bytes(IDENTITY, public_key).ok())?
}

impl Scheme for Sm2 {
    fn public_key(&self, seed: &Seed) -> Option<Vec<u8>> {
        Some(pair(seed)?.verifying_key().to_sec1_point(false).as_bytes().to_vec())
    }

    fn sign(&self, seed: &Seed, words: &[u8]) -> Option<Vec<u8>> {
        let signature: Signature = pair(seed)?.try_sign(words).ok()?;
        Some(signature.to_bytes().to_vec())
    }

    fn holds(&self, public_key: &[u8], words: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (key_of(public_key), Signature::from_slice(signature)) else { return false };
        key.verify(words, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::hex::{hex, unhex};

    /// The example of GB/T 32918.5, Annex A: its key, its message, its signature with the nonce that it prescribes.
    const SECRET: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const X: &str = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020";
    const Y: &str = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const R: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3";
    const S: &str = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    const MESSAGE: &[u8] = b"message digest";

    fn bytes(digits: &str) -> Vec<u8> {
        unhex(digits).unwrap()
    }

    fn seed(digits: &str) -> Seed {
        bytes(digits).try_into().unwrap()
    }

    #[test]
    fn the_example_of_the_standard_holds() {
        let public = bytes(&format!("04{X}{Y}"));
        assert_eq!(Sm2.public_key(&seed(SECRET)).as_ref(), Some(&public));
        assert!(Sm2.holds(&public, MESSAGE, &bytes(&format!("{R}{S}"))));
        assert!(!Sm2.holds(&public, b"message digesu", &bytes(&format!("{R}{S}"))));
        assert!(!Sm2.holds(&public, MESSAGE, &bytes(&format!("{S}{R}"))));
    }

    #[test]
    fn what_is_no_secret_half_is_refused() {
        let last = hex(&ORDER_LESS_ONE);
        let before = seed(&format!("{}1", &last[..63]));
        assert!(Sm2.public_key(&before).is_some() && Sm2.sign(&before, MESSAGE).is_some());
        for outside in [[0; 32], [0xff; 32], ORDER_LESS_ONE, seed(&format!("{}3", &last[..63]))] {
            assert_eq!((Sm2.public_key(&outside), Sm2.sign(&outside, MESSAGE)), (None, None));
        }
    }

    #[test]
    fn a_key_has_one_form_and_a_signature_has_one() {
        let (public, signature) = (bytes(&format!("04{X}{Y}")), bytes(&format!("{R}{S}")));
        // The same point in short, with the parity of its y, and with the tag that says both.
        for form in [format!("03{X}"), format!("07{X}{Y}"), format!("{X}{Y}"), "00".to_owned(), String::new()] {
            assert!(!Sm2.holds(&bytes(&form), MESSAGE, &signature), "{form}");
        }
        let off_the_curve = bytes(&format!("04{Y}{X}"));
        assert!(!Sm2.holds(&off_the_curve, MESSAGE, &signature));
        // As ASN.1, cut, and with a half that is zero or not below the order.
        let (zero, order) = ("00".repeat(32), format!("{}3", &hex(&ORDER_LESS_ONE)[..63]));
        let asn = format!("3046022100{R}022100{S}");
        for form in
            [asn, R.to_owned(), format!("{R}{zero}"), format!("{zero}{S}"), format!("{R}{order}"), String::new()]
        {
            assert!(!Sm2.holds(&public, MESSAGE, &bytes(&form)), "{form}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn a_signature_is_of_its_words_and_its_key_alone(
            seed: Seed,
            words in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index,
            bit in 0..8_u32,
        ) {
            prop_assume!(Sm2.public_key(&seed).is_some());
            let (public, signature) = (Sm2.public_key(&seed).unwrap(), Sm2.sign(&seed, &words).unwrap());
            prop_assert_eq!((public.len(), signature.len()), (POINT, 64));
            prop_assert!(Sm2.holds(&public, &words, &signature));
            prop_assert_eq!(Sm2.sign(&seed, &words), Some(signature.clone()), "no chance is in it");
            let damaged = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                bytes
            };
            prop_assert!(!Sm2.holds(&public, &words, &damaged(&signature)));
            prop_assert!(!Sm2.holds(&damaged(&public), &words, &signature));
            let other = if words.is_empty() { vec![0] } else { damaged(&words) };
            prop_assert!(!Sm2.holds(&public, &other, &signature));
        }
    }
}
