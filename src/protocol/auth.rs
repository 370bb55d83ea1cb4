//! Signing in: staff by password, patients by a one-time code.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::{AccountId, HolderId, InstitutionId};
use crate::domain::people::Role;

/// `POST /auth/login`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account's name.
    pub username: String,
    /// 8 to 128 characters.
    pub password: String,
    /// The six digits of the second factor, where the account has one.
    #[serde(default)]
    pub code: Option<String>,
}

/// `POST /auth/prove`: it is still the same person.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofRequest {
    /// The account's password.
    pub password: String,
    /// The six digits of the second factor, where the account has one.
    #[serde(default)]
    pub code: Option<String>,
}

/// `POST /auth/password`: another password of the own account.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    pub password: String,
    /// The one to come.
    pub new: String,
}

/// Whether somebody has a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecondFactorView {
    /// Signing in asks for its code.
    pub on: bool,
    /// The operator requires one of everybody who works here.
    pub required: bool,
}

/// `POST /auth/second-factor`: asks for a secret to share with a telephone.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorRequest {
    /// The account's password: an open window is not enough.
    pub password: String,
}

/// A secret, shown once.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewSecondFactor {
    /// Base32, to be typed where no camera is.
    pub secret: String,
    /// `otpauth://totp/…`, which telephones open.
    pub link: String,
    /// The same link as a square code: rows of `#` (dark) and `.`.
    pub qr: Vec<String>,
}

/// A code of the second factor.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorCode {
    /// Six digits; spaces are ignored.
    pub code: String,
}

/// `POST /auth/refresh`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token that came with the last tokens; it is spent by this request.
    pub refresh_token: String,
}

/// What a browser needs to act for its subject.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tokens {
    /// A JWT for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Seconds until the access token ends.
    pub expires_in: u32,
    /// Exchanged at `/auth/refresh` for new tokens; empty for a caller of the emergency line.
    pub refresh_token: String,
    /// Who was signed in.
    pub subject: Subject,
}

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// A member of staff.
    Staff {
        /// The account.
        account: AccountId,
        /// Its institution.
        institution: InstitutionId,
        /// Its role.
        role: Role,
        /// The name as shown to patients, in Chinese.
        name_zh: String,
        /// The name in Latin letters.
        name_en: String,
        /// The title, such as 主治医师.
        title_zh: String,
        /// The title in English.
        title_en: String,
    },
    /// The owner of a telephone number.
    Holder {
        /// The holder.
        holder: HolderId,
        /// The institution whose link was opened.
        institution: InstitutionId,
        /// The last four digits of the number.
        phone_tail: String,
    },
    /// An unnamed caller of the emergency line.
    Caller {
        /// The institution whose link was opened.
        institution: InstitutionId,
    },
    /// Somebody who was invited into one room.
    Guest {
        /// The institution of the room.
        institution: InstitutionId,
    },
}

/// `POST /auth/code`: asks for a one-time code.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The clinic's link token, from `/v/{link}`.
    pub link: String,
    /// A mobile number, Chinese or international.
    pub phone: String,
    /// The language of the message.
    #[serde(default)]
    pub locale: Locale,
}

/// The answer is the same whether or not the number is known.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodeSent {
    /// Names this code when it is passed; another request, whoever makes it, neither ends it nor uses up its tries.
    pub challenge: Uuid,
    /// Seconds until the code ends.
    pub expires_in: u32,
    /// Seconds until another may be asked for.
    pub resend_in: u32,
    /// The code itself, only in a demonstration, where no message is really sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub demo_code: Option<String>,
}

/// `POST /auth/code/verify`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeVerify {
    /// The clinic's link token.
    pub link: String,
    /// The number that the code was sent to.
    pub phone: String,
    /// The `challenge` of the answer to `POST /auth/code`.
    pub challenge: Uuid,
    /// Six digits.
    pub code: String,
    /// The language of later messages to this number; as before when absent.
    #[serde(default)]
    pub locale: Option<Locale>,
}

/// A language of the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Locale {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Locale {
    /// Its name, as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The language of a name; Chinese when it is none of ours.
    pub fn of(name: &str) -> Self {
        if name == Self::English.as_str() { Self::English } else { Self::Chinese }
    }
}
