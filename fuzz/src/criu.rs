//! What criu answers, and what stands beside its images.

use ocinit::checkpoint::rpc::Response;
use ocinit::checkpoint::stdio;

/// Reads the bytes as an answer and as the list of descriptors.
pub fn check(data: &[u8]) {
    if let Some(response) = Response::read(data) {
        // What is no text grows: three bytes stand for one.
        assert!(response.script.len() + response.message.len() <= 3 * data.len());
    }
    if let Ok(descriptors) = stdio::from_json(data) {
        let text = stdio::to_json(&descriptors);
        assert_eq!(stdio::from_json(text.as_bytes()).unwrap(), descriptors);
    }
}
