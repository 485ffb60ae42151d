//! One order: from a name to its certificate.

use std::time::Duration;

use instant_acme::Account;
use instant_acme::AuthorizationStatus;
use instant_acme::ChallengeType;
use instant_acme::Identifier;
use instant_acme::KeyAuthorization;
use instant_acme::NewAccount;
use instant_acme::NewOrder;
use instant_acme::Order;
use instant_acme::OrderStatus;
use instant_acme::RetryPolicy;
use rcgen::CertificateParams;
use rcgen::CustomExtension;
use rcgen::DistinguishedName;
use rcgen::KeyPair;
use rustls::pki_types::PrivateKeyDer;

use crate::acme::folder::Folder;
use crate::acme::settings::AcmeSettings;
use crate::acme::settings::Challenge;
use crate::certificate::Certificate;
use crate::certificate::CertificateError;
use crate::certificates::Certificates;
use crate::handshake::CHALLENGE_PROTOCOL;

/// How long an authority may take to look, and to issue.
const PATIENCE: Duration = Duration::from_secs(90);

/// A key with its certificate's chain, both as PEM.
pub struct Issued {
    /// The key.
    pub key: String,
    /// The chain.
    pub chain: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The authority refused, or could not be reached.
    #[error("{0}")]
    Authority(#[from] instant_acme::Error),
    /// It did not see our answer.
    #[error("the authority could not see that the name is ours: {0}")]
    NotSeen(String),
    /// It does not know this way of proving.
    #[error("the authority does not offer the challenge {0:?}")]
    NoChallenge(Challenge),
    /// The answer could not be made.
    #[error("cannot make a key or a certificate: {0}")]
    Making(#[from] rcgen::Error),
    /// What came cannot be used.
    #[error("{0}")]
    Unusable(#[from] CertificateError),
    /// The disk.
    #[error("cannot keep it: {0}")]
    Keeping(#[from] std::io::Error),
}

/// The account with the authority: the one that is kept, or a new one. By asking for one, its terms are agreed to.
pub async fn account(settings: &AcmeSettings, folder: &Folder) -> Result<Account, OrderError> {
    let builder = match &settings.root {
        Some(root) => Account::builder_with_root(root)?,
        None => Account::builder()?,
    };
    if let Some(kept) = folder.account() {
        return Ok(builder.from_credentials(kept).await?);
    }
    let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&wanted, settings.directory.clone(), None).await?;
    folder.keep_account(&credentials)?;
    Ok(account)
}

/// Orders a certificate for `name`. The answer to the challenge is shown while it takes.
pub async fn order(
    account: &Account,
    name: &str,
    challenge: Challenge,
    certificates: &Certificates,
) -> Result<Issued, OrderError> {
    let identifiers = [Identifier::Dns(name.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let shown = prove(&mut order, name, challenge, certificates).await;
    let issued = match shown {
        Ok(()) => issue(&mut order, name).await,
        Err(error) => Err(error),
    };
    certificates.set_challenge(name, None);
    certificates.set_token(name, None);
    issued
}

async fn prove(order: &mut Order, name: &str, kind: Challenge, certificates: &Certificates) -> Result<(), OrderError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let wanted = match kind {
            Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
            Challenge::Http01 => ChallengeType::Http01,
        };
        let mut challenge = authorization.challenge(wanted).ok_or(OrderError::NoChallenge(kind))?;
        let answer = challenge.key_authorization();
        match kind {
            Challenge::TlsAlpn01 => {
                certificates.set_challenge(name, Some(proof(name, &answer)?.into()));
            }
            Challenge::Http01 => {
                certificates.set_token(name, Some((challenge.token.clone(), answer.as_str().to_owned())));
            }
        }
        challenge.set_ready().await?;
    }
    Ok(())
}

/// The certificate that proves a name (RFC 8737 section 3).
fn proof(name: &str, answer: &KeyAuthorization) -> Result<Certificate, OrderError> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(answer.digest().as_ref())];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| CertificateError::Key(error.to_string()))?;
    Ok(Certificate::new(vec![certificate.der().clone()], key, &[CHALLENGE_PROTOCOL])?)
}

async fn issue(order: &mut Order, name: &str) -> Result<Issued, OrderError> {
    let retries = RetryPolicy::default().timeout(PATIENCE);
    if order.poll_ready(&retries).await? != OrderStatus::Ready {
        return Err(OrderError::NotSeen(why(order).await));
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key)?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&retries).await?;
    Ok(Issued { key: key.serialize_pem(), chain })
}

/// The authority's own words.
async fn why(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let errors = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        if let Some(error) = errors.map(ToString::to_string).next() {
            return error;
        }
    }
    "it does not say why".to_owned()
}
