//! Event types out of an OpenAPI document.

use serde_json::{Value, json};
use svix::models::EventTypeImportOpenApiIn;

use crate::harness::table::items;
use crate::harness::{Stage, World};

const IMPORT: &str = "/api/v1/event-type/import/openapi";

const DOCUMENT: &str = r##"
openapi: 3.1.0
info: { title: Acme, version: "1" }
webhooks:
  pet.new:
    post:
      summary: A pet
      description: A pet came
      tags: [pets]
      requestBody:
        $ref: "#/components/requestBodies/Pet"
      responses: { 200: { description: fine } }
  pet.gone:
    post:
      summary: A pet went
      deprecated: true
      tags: [not a name]
components:
  requestBodies:
    Pet: { content: { application/json; charset=utf-8: { schema: { $ref: "#/components/schemas/Pet" } } } }
  schemas:
    Pet: { type: object, properties: { id: { $ref: "#/components/schemas/Id" } }, required: [id] }
    Id: { type: integer }
"##;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_imports_a_document() {
    let world = World::start(&[]).await;
    let api = world.svix.event_type();
    let import = async |dry_run| {
        let request = EventTypeImportOpenApiIn { spec_raw: Some(DOCUMENT.to_owned()), dry_run, ..Default::default() };
        api.import_openapi(request, None).await.unwrap().data
    };
    let dry = import(Some(true)).await;
    let to_modify = dry.to_modify.unwrap();
    assert_eq!((dry.modified.len(), to_modify.len()), (0, 2));
    assert_eq!((to_modify[1].name.as_str(), to_modify[1].description.as_str()), ("pet.new", "A pet came"));
    assert!(api.list(None).await.unwrap().data.is_empty(), "a dry run writes nothing");

    let done = import(None).await;
    assert_eq!(
        (done.modified, done.to_modify.map(|list| list.len())),
        (vec!["pet.gone".to_owned(), "pet.new".to_owned()], None)
    );
    let pet = api.get("pet.new".to_owned()).await.unwrap();
    let schema = json!({ "type": "object", "properties": { "id": { "type": "integer" } }, "required": ["id"] });
    assert_eq!((pet.group_name.as_deref(), pet.schemas), (Some("pets"), Some(json!({ "1": schema }))));
    let gone = api.get("pet.gone".to_owned()).await.unwrap();
    assert_eq!(
        (gone.description.as_str(), gone.deprecated, gone.group_name, gone.schemas),
        ("A pet went", true, None, None)
    );
    assert!(world.stranger().event_type().list(None).await.unwrap().data.is_empty());
}

async fn names(stage: &Stage) -> Vec<String> {
    let list = stage.call("GET", "/api/v1/event-type", None).await.json();
    list["data"].as_array().unwrap().iter().map(|shown| shown["name"].as_str().unwrap().to_owned()).collect()
}

fn webhooks(names: &[&str]) -> Value {
    let webhook = |name: &&str| ((*name).to_owned(), json!({ "post": { "description": "d" } }));
    json!({ "x-webhooks": names.iter().map(webhook).collect::<serde_json::Map<_, _>>() })
}

#[tokio::test]
async fn an_import_changes_what_it_says_and_nothing_else() {
    let stage = Stage::new(&[]).await;
    let create = async |body: Value| stage.call("POST", "/api/v1/event-type", Some(body)).await.json();
    create(json!({ "name": "a", "description": "old", "groupName": "g", "featureFlag": "f", "schemas": { "1": {} } }))
        .await;
    create(json!({ "name": "b", "description": "old" })).await;
    create(json!({ "name": "c", "description": "old" })).await;
    stage.call("DELETE", "/api/v1/event-type/a", None).await;
    let import = async |body: Value| {
        let answer = stage.call("POST", IMPORT, Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["data"]["modified"].clone()
    };
    let spec = webhooks(&["a", "b", "d"]);
    assert_eq!(import(json!({ "spec": spec })).await, json!(["a", "b", "d"]));
    assert_eq!(names(&stage).await, ["a", "b", "c", "d"]);
    let a = stage.call("GET", "/api/v1/event-type/a", None).await;
    let expected =
        json!({ "description": "d", "archived": false, "groupName": "g", "featureFlag": "f", "schemas": { "1": {} } });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&a.json()[field], value, "{field}");
    }

    // Again: the answer is the same, and nothing is written.
    stage.clock.forward_s(1);
    assert_eq!(import(json!({ "specRaw": spec.to_string() })).await, json!(["a", "b", "d"]));
    assert_eq!(stage.call("GET", "/api/v1/event-type/a", None).await.json(), a.json());

    let replace = |dry_run: bool| json!({ "spec": webhooks(&["d"]), "replaceAll": true, "dryRun": dry_run });
    import(replace(true)).await;
    assert_eq!(names(&stage).await, ["a", "b", "c", "d"]);
    import(replace(false)).await;
    assert_eq!(names(&stage).await, ["d"]);
}

#[tokio::test]
async fn a_document_that_does_not_fit_imports_nothing() {
    let stage = Stage::new(&[]).await;
    let strict = json!({ "name": "strict", "description": "", "schemaValidation": "reject" });
    stage.call("POST", "/api/v1/event-type", Some(strict)).await;
    let stored = items(&stage.engines).await.len();
    let body = |schema: Value| json!({ "post": { "requestBody": { "content": { "application/json": { "schema": schema } } } } });
    let spec = |webhooks: Value| json!({ "spec": { "webhooks": webhooks } });
    let large: serde_json::Map<_, _> = (0..501).map(|n| (format!("a.{n}"), json!({ "post": {} }))).collect();
    let cases = [
        (json!({}), json!(["body", "spec"])),
        (json!({ "spec": {}, "specRaw": "" }), json!(["body", "spec"])),
        (json!({ "spec": [] }), json!(["body", "spec"])),
        (json!({ "spec": { "webhooks": 7 } }), json!(["body", "spec", "webhooks"])),
        (json!({ "specRaw": "a: [" }), json!(["body", "specRaw"])),
        (json!({ "specRaw": "[".repeat(100_000) }), json!(["body", "specRaw"])),
        (json!({ "specRaw": "webhooks: { a b: { post: {} } }" }), json!(["body", "specRaw", "webhooks", "a b"])),
        (spec(json!({ "a": {} })), json!(["body", "spec", "webhooks", "a"])),
        (
            spec(json!({ "a": body(json!({ "$ref": "#/webhooks/a" })), "b": body(json!({ "$ref": "#/x" })) })),
            json!(["body", "spec", "webhooks", "a"]),
        ),
        (
            spec(json!({ "a": { "post": { "description": "d".repeat(5_000) } } })),
            json!(["body", "spec", "webhooks", "a"]),
        ),
        (spec(json!({ "a": body(json!({ "title": "t".repeat(300_000) })) })), json!(["body", "spec", "webhooks", "a"])),
        (spec(Value::Object(large)), json!(["body", "spec", "webhooks"])),
        (spec(json!({ "a": { "post": {} }, "strict": body(json!({ "type": "nonsense" })) })), json!(["body", "spec"])),
    ];
    for (body, place) in cases {
        let answer = stage.call("POST", IMPORT, Some(body.clone())).await;
        let shown: String = body.to_string().chars().take(100).collect();
        assert_eq!((answer.status.as_u16(), &answer.json()["detail"][0]["loc"]), (422, &place), "{shown}: {answer:?}");
        assert_eq!(items(&stage.engines).await.len(), stored, "{shown}: something was stored");
    }
}
