//! Callers that nobody knows.

use fanfare::config::JwtSecret;
use fanfare::domain::ids::OrganizationId;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::Effects;
use fanfare::http::auth::issue_token;
use http::Request;
use http_body_util::Full;

use super::long;
use super::table::{Bad, Table, UNAUTHENTICATED, assert_shape};
use crate::harness::{JWT_SECRET, ORGANIZATION, World, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_without_a_valid_token_is_refused_before_anything_else() {
    let table = Table::new().await;
    let now = Effects::system().now();
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let foreign = JwtSecret::parse(JWT_SECRET).unwrap();
    let signed_elsewhere = issue_token(&foreign, &organization, now, 3_600).unwrap();
    let mut parts = table.world.token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let tokens = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer nonsense".to_owned()),
        Some(format!("Basic {}", table.world.token)),
        Some(table.world.token.clone()),
        Some(format!("Bearer {signed_elsewhere}")),
        Some(format!("Bearer {head}.{claims}.")),
        Some(format!("Bearer {head}.{claims}")),
        Some(format!("Bearer eyJhbGciOiJub25lIn0.{claims}.")),
        Some(format!("Bearer {}", long("x", 8_193))),
    ];
    for authorization in tokens {
        // The body is bad too: who is not known is not told about bodies.
        let bad = Bad { authorization, ..table.message("{") };
        table.check(bad.clone(), 401, UNAUTHENTICATED).await;
        table.check(Bad { method: "GET", ..bad }, 401, UNAUTHENTICATED).await;
    }
    let bad = Bad { authorization: None, ..table.get("/api/v1/app/{app}") };
    assert_eq!(table.answer(bad).await.headers["www-authenticate"], "Bearer");
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_is_refused() {
    let secret = JwtSecret::parse(JWT_SECRET).unwrap();
    let world = World::start_with_secret(secret.clone()).await;
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let now = Effects::system().now();
    let hour_ago = Timestamp::from_millis(now.as_millis() - 3_600_000);
    let in_an_hour = Timestamp::from_millis(now.as_millis() + 3_600_000);
    for (issued_at, lifetime_s, status) in [(now, 60, 200), (hour_ago, 60, 401), (in_an_hour, 60, 401)] {
        let token = issue_token(&secret, &organization, issued_at, lifetime_s).unwrap();
        let request = Request::get("/api/v1/app").header("authorization", format!("Bearer {token}"));
        let answer = send(world.address(), request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        if status == 401 {
            assert_shape(&answer.json(), UNAUTHENTICATED, "an expired token");
        }
    }
}
