//! # TLS: what a request to `https://` goes through
//!
//! rustls, with the certificates that the system trusts: a bundle in one of the usual files, or the one
//! that `SSL_CERT_FILE` names. They are read once.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::request::Timed;

/// Where systems keep the certificates that they trust.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The variable that names another.
const VARIABLE: &str = "SSL_CERT_FILE";

pub(super) type Stream = StreamOwned<ClientConnection, Timed>;

/// A stream to a host, whose handshake comes with the first byte.
pub(super) fn open(host: &str, stream: Timed) -> Result<Stream, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    let config = CONFIG
        .get_or_init(|| config(std::env::var_os(VARIABLE)).map(Arc::new))
        .clone()?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("\"{host}\" is no name that a certificate could have"))?;
    let connection = ClientConnection::new(config, name).map_err(|error| error.to_string())?;
    Ok(StreamOwned::new(connection, stream))
}

fn config(named: Option<OsString>) -> Result<ClientConfig, String> {
    let named = named.filter(|it| !it.is_empty());
    let usual = BUNDLES.iter().map(Path::new).find(|path| path.exists());
    let Some(path) = named.as_deref().map(Path::new).or(usual) else {
        return Err(format!(
            "this system has no file of trusted certificates: name one with {VARIABLE}"
        ));
    };
    let failed = |why: String| format!("{}: {why}", path.display());
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    // A bundle may have one that nobody reads any more.
    let (good, _) = roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    if good == 0 {
        return Err(failed("there is no certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
