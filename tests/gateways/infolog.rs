//! The sentence that helps, out of what Dynamics says.

use drayline::failure::Code;
use serde_json::{Value, json};

use super::far_end::Said;
use super::scene::{Scene, dynamics_end, shipment};

fn deep(message: &str) -> Value {
    let inner = json!({"message": message, "type": "X", "stacktrace": "at Dynamics"});
    json!({"error": {"code": "", "message": "An error has occurred.", "innererror": inner}})
}

async fn told(status: u16, body: String) -> (Code, Option<String>) {
    let end = dynamics_end(move |asked| match asked.method.as_str() {
        "GET" if !asked.path.contains('(') => Said::json(200, &json!({"value": []})),
        "GET" => Said::json(404, &json!({"error": {"message": "No resource was found."}})),
        _ => Said::text(status, &body),
    })
    .await;
    let scene = Scene::at(&end.url, "").await;
    let error = scene.dynamics().post_shipment(&shipment()).await.unwrap_err();
    let failure = scene.dynamics_failure(&error);
    (failure.code, failure.detail)
}

#[tokio::test]
async fn the_infolog_is_told_without_prefixes_and_noise() {
    let infolog = "Write failed for table row of type 'X'. Infolog: Warning: Item 1000 is blocked.; Error: Site must be \
                   filled in.; Error: validateWrite failed on data source 'Header (Header)'";
    let both = "Item 1000 is blocked; Site must be filled in.";
    let nested = json!({"error": {"message": "outer", "innererror": {"message": "middle", "internalexception":
        {"message": "Infolog: Info: Period is closed.", "internalexception": {"message": ""}}}}});
    let cases = [
        (deep(infolog).to_string(), Some(both)),
        (nested.to_string(), Some("Period is closed.")),
        (deep("No infolog here").to_string(), Some("No infolog here")),
        (json!({"Message": "An error has occurred."}).to_string(), Some("An error has occurred.")),
        ("plain words".to_owned(), Some("plain words")),
        ("<html>Bad Request</html>".to_owned(), Some("Answered with status 400, without a reason.")),
        (String::new(), Some("Answered with status 400, without a reason.")),
    ];
    for (body, words) in cases {
        let (code, detail) = told(400, body.clone()).await;
        assert_eq!((code, detail.as_deref()), (Code::DynamicsRefused, words), "{body}");
    }
}

#[tokio::test]
async fn words_and_status_tell_the_failures_apart() {
    let conflict = "Infolog: Error: An update conflict occurred due to another user process deleting the record.";
    let cases = [
        (400, deep(conflict).to_string(), Code::DynamicsConflict),
        (500, deep(conflict).to_string(), Code::DynamicsConflict),
        (412, deep("The ETag differs").to_string(), Code::DynamicsConflict),
        (403, deep("Not permitted").to_string(), Code::DynamicsForbidden),
        (404, deep("The company is unknown").to_string(), Code::DynamicsNotFound),
        (500, deep("Infolog: Error: Deadlock").to_string(), Code::DynamicsUnsure),
        (503, String::new(), Code::DynamicsUnsure),
        (429, deep("High resource utilization").to_string(), Code::DynamicsThrottled),
        (
            404,
            deep("Resource not found for the segment 'OutboundShipmentOrderUpdates'.").to_string(),
            Code::DynamicsVersionLacks,
        ),
    ];
    for (status, body, code) in cases {
        assert_eq!(told(status, body.clone()).await.0, code, "{status} {body}");
    }
}
