//! What is wrong with the settings of webhooks: each fault is about the setting that has to be changed.

use toml::Value;
use url::Url;

use super::Config;
use super::fault::Fault;
use crate::error::{Error, Result};
use crate::service::is_private_host;

/// Most webhooks.
const MAX: usize = 20;

const EXAMPLE: &str = "https://hooks.example.org/vsekai";

/// How the file with the secret is made.
const MAKE_SECRET: &str = "Make that file with `(umask 077 && openssl rand -base64 32 > webhook.secret)`";

/// The addresses of webhooks.
///
/// # Errors
/// [`Error::Config`] about the first fault.
pub(super) fn urls(config: &Config) -> Result<Vec<Url>> {
    match faults(config).into_iter().next() {
        Some(fault) => Err(fault.at(None)),
        None => config.webhooks.iter().map(|text| Url::parse(text).map_err(Error::internal_by("webhooks"))).collect(),
    }
}

pub(super) fn faults(config: &Config) -> Vec<Fault> {
    let all = &config.webhooks;
    let mut faults: Vec<Fault> = (1..).zip(all).filter_map(|(at, text)| of_url(config, at, text)).collect();
    if all.len() > MAX {
        faults.push(
            Fault::new("webhooks", format!("webhooks: {} are too many", all.len()))
                .advise_only(format!("Name at most {MAX}; a receiver can pass messages on")),
        );
    }
    if !all.is_empty() && config.webhook_secret_file.is_empty() {
        let reason = "webhooks need webhook_secret_file, the file with the secret that signs messages";
        faults.push(Fault::new("webhook_secret_file", reason).write("webhook.secret").advise(MAKE_SECRET));
    }
    faults
}

/// What is wrong with one address. The address itself may be the receiver's secret, so that it is not repeated.
fn of_url(config: &Config, at: usize, text: &str) -> Option<Fault> {
    let number = if config.webhooks.len() == 1 { String::new() } else { format!("number {at} ") };
    let fault = |reason: &str| Fault::new("webhooks", format!("webhooks: {number}{reason}"));
    let whole = |reason: &str| Some(fault(reason).write(vec![Value::from(EXAMPLE)]).advise("Write whole addresses"));
    let Ok(url) = Url::parse(text) else { return whole("is not an address") };
    let Some(host) = url.host() else { return whole("is not the address of a server") };
    let is_http = url.scheme() == "http";
    if !is_http && url.scheme() != "https" {
        return whole("must begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        let advice = "Take the password out of the address: receivers check the signature of each message instead";
        return Some(fault("has a password").advise_only(advice));
    }
    if config.allow_private_webhooks {
        return None;
    }
    let allow = |reason: &str, advice: &str| {
        let reason = format!("webhooks: {number}{reason}");
        Some(Fault::new("allow_private_webhooks", reason).write(true).advise(advice))
    };
    if is_private_host(&host) {
        return allow("is in a private network, where nothing is sent", "If that is not meant, correct the address");
    }
    if is_http { whole("must begin with https://, not http://") } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::tests::defaults;
    use super::*;

    fn faults_of(webhooks: &[&str], allow_private: bool) -> Vec<String> {
        let mut config = defaults();
        config.webhooks = webhooks.iter().map(|text| (*text).to_owned()).collect();
        config.webhook_secret_file = "f".to_owned();
        config.allow_private_webhooks = allow_private;
        faults(&config).into_iter().map(|fault| fault.at(None).to_string()).collect()
    }

    #[test]
    fn only_public_addresses_are_told_unless_others_are_allowed() {
        for text in ["https://hooks.example.org/services/T0/B0?thread=1", "https://9.9.9.9/"] {
            assert!(faults_of(&[text], false).is_empty(), "{text}");
        }
        for text in ["http://127.0.0.1:9/", "https://169.254.169.254/", "https://[::1]/x", "https://db.internal/"] {
            assert_eq!(faults_of(&[text], false).len(), 1, "{text}");
            assert!(faults_of(&[text], true).is_empty(), "{text}");
        }
        for text in ["ftp://hooks.example.org", "https://u:p@hooks.example.org", "hooks", ""] {
            assert_eq!(faults_of(&[text], true).len(), 1, "{text}");
        }
        assert_eq!(faults_of(&["http://hooks.example.org"], false).len(), 1);
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown_and_the_wrong_one_is_counted() {
        let said = faults_of(&["https://a.example.org/x", "https://u:hush@hooks.example.org"], false);
        assert_eq!(said, ["webhooks: number 2 has a password"]);
    }
}
