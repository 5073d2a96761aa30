//! The page: one file that needs nothing from elsewhere, under a policy that would not let it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::harness::{Answer, Stage};

async fn page() -> Answer {
    let answer = Stage::new(&[]).await.call("GET", "/docs", None).await;
    assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), PAGE);
    answer
}

const PAGE: (u16, &str) = (200, "text/html; charset=utf-8");

/// The text of the one element of this kind.
fn element<'a>(page: &'a str, name: &str) -> &'a str {
    let (opening, closing) = (format!("<{name}"), format!("</{name}>"));
    assert_eq!((page.matches(&opening).count(), page.matches(&closing).count()), (1, 1), "{name}");
    let from = page.find(&opening).unwrap() + opening.len() + 1;
    &page[from..page.find(&closing).unwrap()]
}

#[tokio::test]
async fn the_page_names_no_other_place() {
    let page = page().await.text;
    for outside in ["http:", "https:", "//cdn", "@import", "src=", "<link", "<iframe", "<base", "srcset"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!element(&page, "style").contains("url("));
    let targets = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let targets: Vec<_> = targets.collect();
    assert!(!targets.is_empty() && targets.iter().all(|to| to.starts_with('#') || to.starts_with("./")), "{targets:?}");
}

#[tokio::test]
async fn the_page_makes_no_markup_out_of_what_it_reads() {
    let page = page().await.text;
    let script = element(&page, "script");
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"] {
        assert!(!script.contains(sink), "{sink}");
    }
    for inline in [" style=", " onclick=", " onload=", " onerror=", "javascript:"] {
        assert!(!page.contains(inline), "{inline} would be refused by the policy");
    }
}

#[tokio::test]
async fn the_policy_allows_what_is_in_the_page_and_nothing_else() {
    let answer = page().await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let hash = |name| format!("'sha256-{}'", BASE64.encode(digest(&SHA256, element(&answer.text, name).as_bytes())));
    let expected = [
        "default-src 'none'".to_owned(),
        format!("style-src {}", hash("style")),
        format!("script-src {}", hash("script")),
        "connect-src 'self'".to_owned(),
        "base-uri 'none'".to_owned(),
        "form-action 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ];
    assert_eq!(policy.split("; ").collect::<Vec<_>>(), expected);
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_page_reads_the_document_that_stands_beside_it() {
    let stage = Stage::new(&[]).await;
    let page = stage.call("GET", "/docs", None).await.text;
    assert!(page.contains(r#""./api/v1/openapi.json""#));
    let document = stage.call("GET", "/api/v1/openapi.json", None).await;
    assert_eq!(
        (document.status.as_u16(), document.headers["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    assert_eq!(document.json(), super::Document::new().0);
    assert!(document.headers["cache-control"].to_str().unwrap().contains("max-age="));
}
