//! Files: in parts, kept whole, and refused as Stripe's guide to uploads says.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::json;

use wire::{id, ids, multipart, ok, refused, send, start, upload};

mod wire;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n--b0\r\n\0\xff not the end";

#[tokio::test]
async fn what_is_sent_is_kept() {
    let stripe = start().await;
    let file = upload(&stripe, "dispute_evidence", PNG).await.body;
    assert_eq!(
        [&file["filename"], &file["type"], &file["size"], &file["purpose"]],
        [&json!("receipt.pdf"), &json!("png"), &json!(PNG.len()), &json!("dispute_evidence")]
    );
    assert_eq!(stripe.file_contents(id(&file)).unwrap(), PNG);
    assert_eq!(ok(&stripe, "GET", &format!("/v1/files/{}", id(&file)), "").await, file);
    let of = |purpose: &str| format!("/v1/files?purpose={purpose}");
    assert_eq!(ids(&ok(&stripe, "GET", &of("dispute_evidence"), "").await), [id(&file)]);
    assert!(ids(&ok(&stripe, "GET", &of("pci_document"), "").await).is_empty());
    assert_eq!(refused(&stripe, "GET", "/v1/files/file_1", "").await["code"], "resource_missing");
}

#[tokio::test]
async fn limits_of_size_and_kind() {
    let stripe = start().await;
    let pdf = |size: usize| [b"%PDF-".to_vec(), vec![b'x'; size - 5]].concat();
    let most = 5 << 20;
    for (purpose, contents, status) in [
        ("dispute_evidence", pdf(most), 200),
        ("dispute_evidence", pdf(most + 1), 400),
        ("identity_document", pdf(most + 1), 200),
        ("identity_document", pdf((16 << 20) + 1), 400),
        ("dispute_evidence", b"\xff\xd8\xff\xe0".to_vec(), 200),
        ("dispute_evidence", b"GIF89a".to_vec(), 400),
        ("dispute_evidence", Vec::new(), 400),
        ("holiday_pictures", pdf(10), 400),
    ] {
        let size = contents.len();
        let answer = upload(&stripe, purpose, &contents).await;
        assert_eq!(answer.status, status, "{purpose} {size}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_is_no_upload() {
    let stripe = start().await;
    let form = refused(&stripe, "POST", "/v1/files", "purpose=dispute_evidence&file=x").await;
    assert_eq!(form["param"], "file");
    let headers = [("content-type", "multipart/form-data; boundary=b0")];
    let whole = multipart("b0", "dispute_evidence", "a.pdf", b"%PDF-1");
    for broken in [&whole[..whole.len() / 2], b"", &multipart("b1", "dispute_evidence", "a", b"x")]
    {
        let answer = send(&stripe, "POST", "/v1/files", broken, &headers).await.unwrap();
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    let part = b"--b0\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n--b0--\r\n";
    let answer = send(&stripe, "POST", "/v1/files", &part[..], &headers).await.unwrap();
    assert_eq!(answer.body["error"]["code"], "parameter_missing");
}

#[tokio::test]
async fn a_key_repeats_an_upload_whatever_the_boundary() {
    let stripe = start().await;
    let mut made = Vec::new();
    for (boundary, contents) in [("b0", "%PDF-1"), ("b1", "%PDF-1"), ("b2", "%PDF-2")] {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let headers = [("content-type", kind.as_str()), ("idempotency-key", "k1")];
        let body = multipart(boundary, "dispute_evidence", "a.pdf", contents.as_bytes());
        made.push(send(&stripe, "POST", "/v1/files", body, &headers).await.unwrap());
    }
    assert_eq!(made[0].body["id"], made[1].body["id"]);
    assert_eq!(made[1].headers["idempotent-replayed"], "true");
    assert_eq!(made[2].body["error"]["type"], "idempotency_error");
    // The log of requests tells which file it was, and keeps no copy.
    let log = format!("{:?}", stripe.requests());
    assert!(log.contains("6 bytes, sha256") && !log.contains("%PDF-1"));
}
