//! Lists by time are walked while items come in: what was there at the beginning is met exactly once, and everything in order.
//! Random, but each run of a seed is the same.

use std::collections::BTreeSet;

use serde_json::json;

use super::Scene;

/// Enough for a dozen pages.
const ITEMS: u64 = 40;

/// A small generator of George Marsaglia's (xorshift64): the test needs chance that can be repeated, not quality.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

async fn insert(scene: &Scene, chance: &mut Chance) {
    // Some within the same 4 ms, which is as finely as identifiers tell time.
    scene.stage.clock.forward_ms(i64::try_from(chance.below(7)).unwrap());
    let body = json!({ "eventType": "order.placed", "payload": {} });
    scene.call("POST", "/msg", Some(body)).await.id();
    if chance.below(3) > 0 {
        scene.stage.deliver().await;
    }
}

/// All identifiers of a list, read in one way that does not page: there are fewer than a page holds.
async fn all(scene: &Scene, path: &str) -> BTreeSet<String> {
    let page = scene.get(&format!("{path}limit=250")).await;
    assert_eq!(page["done"], true, "the list does not fit on one page");
    page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn walk(scene: &Scene, path: &str, is_ascending: bool, chance: &mut Chance) {
    let before = all(scene, path).await;
    assert!(!before.is_empty());
    let (mut seen, mut iterator): (Vec<String>, _) = (Vec::new(), String::new());
    for pages in 0.. {
        let limit = chance.below(9) + 1;
        let page = scene.get(&format!("{path}limit={limit}&iterator={iterator}")).await;
        let items = page["data"].as_array().unwrap();
        assert!(items.len() as u64 <= limit);
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        if page["done"] == true {
            break;
        }
        assert!(pages < 1_000, "{path} does not end");
        iterator = page["iterator"].as_str().unwrap().to_owned();
        // Not for ever: a list that is followed forward ends when nothing is added to it.
        if pages < 12 {
            insert(scene, chance).await;
        }
    }
    let in_order = |pair: &[String]| if is_ascending { pair[0] < pair[1] } else { pair[0] > pair[1] };
    assert!(seen.windows(2).all(in_order), "{path}: {seen:?}");
    let missed: Vec<_> = before.iter().filter(|id| !seen.contains(id)).collect();
    assert!(missed.is_empty(), "{path}: {missed:?}");
}

async fn check(seed: u64) {
    let scene = Scene::new("").await;
    let mut chance = Chance(seed);
    let begun_at = scene.stage.platform.effects.now().to_rfc3339();
    for _ in 0..ITEMS {
        insert(&scene, &mut chance).await;
    }
    let attempts = format!("/attempt/endpoint/{}?", scene.endpoint);
    for list in ["/msg?".to_owned(), attempts] {
        walk(&scene, &list, false, &mut chance).await;
        walk(&scene, &format!("{list}after={begun_at}&"), true, &mut chance).await;
    }
}

#[tokio::test]
async fn what_was_there_is_met_once_and_in_order_while_more_comes() {
    for seed in [0x9E37_79B9_7F4A_7C15, 0x0123_4567_89AB_CDEF, 42] {
        check(seed).await;
    }
}
