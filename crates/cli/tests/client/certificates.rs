//! HTTPS as a user of the client meets it: set by the client, and trusted by a file.

use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::time::{Instant, sleep};

use crate::support::{Address, PATIENCE, Service, revaer};

#[tokio::test]
async fn service_that_made_its_own_certificate_is_trusted_by_its_file() {
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let set = format!("http.tls.certificate_file={}", chain.display());
    let set = ["settings", "set", &set, &format!("http.tls.key_file={}", key.display())];

    let ended = service.revaer(&set).await;
    assert_eq!(ended.code, 2, "there is no such file yet: {ended:?}");
    assert!(ended.stderr.contains("  /http/tls/certificate_file: "), "{ended:?}");
    std::fs::write(&chain, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let ended = service.revaer(&set).await;
    assert_eq!(ended.code, 0, "{ended:?}");

    let plain = service.address();
    let secure = Address { url: plain.url.replace("http://", "https://"), ..plain };
    let trusting = ["--ca-certificate", chain.to_str().unwrap(), "--output", "json", "ls"];
    // The answer to a change does not wait until it is in force.
    let deadline = Instant::now() + PATIENCE;
    let listed = loop {
        let ended = revaer(&secure, &trusting).await;
        if ended.code == 0 || Instant::now() > deadline {
            break ended;
        }
        sleep(Duration::from_millis(25)).await;
    };
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(listed.document()["items"].is_array());
    let ended = revaer(&secure, &["ls"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "nobody else vouches for it: {ended:?}");
    assert!(ended.stderr.contains("certificate"), "it says why: {ended:?}");
    let ended = revaer(&secure, &["--ca-certificate", "/nowhere.pem", "ls"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
}
