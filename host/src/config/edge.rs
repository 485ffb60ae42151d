//! Where visitors come in, what is spoken with them, and with which certificates.

use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_serve::trusted::Trusted;
use guesthouse_tls::acme::settings::AcmeSettings;
use guesthouse_tls::acme::settings::DIRECTORY;
use guesthouse_tls::files::CertificateFiles;

use crate::cli::flags::AddressFlags;
use crate::cli::flags::EdgeFlags;
use crate::cli::values::Door;
use crate::cli::values::Proxy;
use crate::config::file::Acme;
use crate::config::file::File;

/// Where certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Files.
    pub files: Vec<CertificateFiles>,
    /// Whether one is made at the start.
    pub self_signed: bool,
    /// An authority.
    pub acme: Option<AcmeSettings>,
    /// For which hosts of apps the authority is asked, beside those below the domain; `*` for any text.
    pub acme_names: Vec<String>,
}

impl TlsSettings {
    /// What the flags say, and for what they leave out, the file.
    pub fn new(flags: &EdgeFlags, file: &File, state: &Path) -> anyhow::Result<TlsSettings> {
        let (chains, keys) = (flags.tls_cert.len(), flags.tls_key.len());
        if chains != keys {
            bail!("--tls-cert is given {chains} times and --tls-key {keys} times: each certificate needs its key");
        }
        let pair = |(chain, key): (&PathBuf, &PathBuf)| CertificateFiles { chain: chain.clone(), key: key.clone() };
        let files = match chains {
            0 => file.tls.certificates.iter().map(|it| pair((&it.chain, &it.key))).collect(),
            _ => flags.tls_cert.iter().zip(&flags.tls_key).map(pair).collect(),
        };
        let said = file.tls.acme.clone();
        let acme = match (&said, flags.acme) {
            (None, false) => None,
            _ => Some(acme(flags, said.clone().unwrap_or_default(), state)),
        };
        let acme_names = said.map(|said| said.names).unwrap_or_default();
        Ok(TlsSettings { files, self_signed: flags.tls_self_signed || file.tls.self_signed, acme, acme_names })
    }

    /// Whether there is nothing to speak TLS with.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.self_signed && self.acme.is_none()
    }
}

fn acme(flags: &EdgeFlags, said: Acme, state: &Path) -> AcmeSettings {
    let contact = if flags.acme_contact.is_empty() { said.contact } else { flags.acme_contact.clone() };
    let with_scheme = |address: String| if address.contains(':') { address } else { format!("mailto:{address}") };
    let directory = flags.acme_directory.clone().or(said.directory);
    AcmeSettings {
        directory: directory.unwrap_or_else(|| DIRECTORY.to_owned()),
        contact: contact.into_iter().map(with_scheme).collect(),
        root: said.root,
        challenge: said.challenge,
        folder: state.join("acme"),
    }
}

/// Where to listen, at least in one place. `passed` are the names of the sockets that the service manager has bound.
pub fn endpoints(
    address: &AddressFlags,
    edge: &EdgeFlags,
    file: &File,
    passed: &[String],
    tls: &TlsSettings,
) -> anyhow::Result<Vec<Endpoint>> {
    let first = |flags: &[Door], file: &[Door]| if flags.is_empty() { file.to_vec() } else { flags.to_vec() };
    let mut http = first(&address.listen, &file.serve.listen);
    let mut https = first(&edge.tls_listen, &file.serve.tls_listen);
    let redirect = first(&edge.redirect_listen, &file.serve.redirect_listen);
    if http.is_empty() && https.is_empty() && redirect.is_empty() && passed.is_empty() {
        http.push(Door::Tcp((Ipv4Addr::LOCALHOST, 8080).into()));
    }
    let passed = passed.iter().enumerate().filter_map(|(number, name)| {
        Some(Endpoint { place: BindAddress::Inherited(number), protocol: speech_of(name)? })
    });
    let mut endpoints: Vec<Endpoint> = passed.collect();
    let speaks_tls =
        |endpoints: &[Endpoint]| endpoints.iter().any(|endpoint| endpoint.protocol == ListenerProtocol::Https);
    if https.is_empty() && !tls.is_empty() && !speaks_tls(&endpoints) {
        https.push(Door::Tcp((Ipv4Addr::LOCALHOST, 8443).into()));
    }
    for (doors, protocol) in
        [(http, ListenerProtocol::Http), (https, ListenerProtocol::Https), (redirect, ListenerProtocol::Redirect)]
    {
        endpoints.extend(doors.into_iter().map(|door| Endpoint { place: place(door), protocol }));
    }
    if speaks_tls(&endpoints) && tls.is_empty() {
        bail!("--tls-listen needs a certificate: --tls-cert with --tls-key, --tls-self-signed, or --acme");
    }
    if endpoints.is_empty() {
        bail!("none of the passed sockets is for visitors: name one of them `http` or `https`, or give --listen");
    }
    Ok(endpoints)
}

/// The name that an operator gives a passed socket (`FileDescriptorName=`) says what is spoken on it. `admin` is for health.
fn speech_of(name: &str) -> Option<ListenerProtocol> {
    match name {
        "https" => Some(ListenerProtocol::Https),
        "redirect" => Some(ListenerProtocol::Redirect),
        ADMIN => None,
        _ => Some(ListenerProtocol::Http),
    }
}

/// The name of a passed socket on which health is asked for.
pub const ADMIN: &str = "admin";

/// Whose word about visitors is taken.
pub fn trusted(edge: &EdgeFlags, file: &File) -> Trusted {
    let proxies = if edge.trusted_proxy.is_empty() { &file.serve.trusted_proxies } else { &edge.trusted_proxy };
    let networks = proxies.iter().filter_map(|proxy| match proxy {
        Proxy::Network(network) => Some(*network),
        Proxy::Unix => None,
    });
    Trusted { networks: networks.collect(), unix: proxies.contains(&Proxy::Unix) }
}

fn place(door: Door) -> BindAddress {
    match door {
        Door::Tcp(address) => BindAddress::Tcp(address),
        Door::Unix(path) => BindAddress::Unix(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &[&str], tls_listen: &[&str], self_signed: bool, passed: &[&str], expected: &[&str]) {
        let doors = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let address = AddressFlags { listen: doors(listen), ..AddressFlags::default() };
        let edge = EdgeFlags { tls_listen: doors(tls_listen), tls_self_signed: self_signed, ..EdgeFlags::default() };
        let file = File::default();
        let tls = TlsSettings::new(&edge, &file, Path::new("/state")).unwrap();
        let passed: Vec<String> = passed.iter().map(|name| (*name).to_owned()).collect();
        let found = endpoints(&address, &edge, &file, &passed, &tls);
        let found = found.map(|found| found.iter().map(|it| format!("{:?} {}", it.protocol, it.place)).collect());
        let found = found.unwrap_or_else(|error| vec![error.to_string()]);
        assert_eq!(found, expected);
    }

    #[test]
    fn where_visitors_come_in() {
        check(&[], &[], false, &[], &["Http 127.0.0.1:8080"]);
        check(&["*:80", "unix:/a"], &[], false, &[], &["Http 0.0.0.0:80", "Http unix:/a"]);
        check(&[], &[], true, &[], &["Http 127.0.0.1:8080", "Https 127.0.0.1:8443"]);
        check(&[], &["*:443"], true, &[], &["Https 0.0.0.0:443"]);
        check(&[], &[], false, &["http", "admin"], &["Http the passed socket 0"]);
        check(&["[::1]:1"], &[], true, &["https"], &["Https the passed socket 0", "Http [::1]:1"]);
        check(
            &[],
            &["*:443"],
            false,
            &[],
            &["--tls-listen needs a certificate: --tls-cert with --tls-key, --tls-self-signed, or --acme"],
        );
    }

    #[test]
    fn each_certificate_has_its_key() {
        let edge = EdgeFlags { tls_cert: vec!["a.pem".into()], ..EdgeFlags::default() };
        let error = TlsSettings::new(&edge, &File::default(), Path::new("/state")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--tls-cert is given 1 times and --tls-key 0 times: each certificate needs its key"
        );
    }
}
