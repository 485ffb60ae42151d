//! How full each bound is that visitors share, at one moment: what an operator looks at when requests are turned away.

use std::path::PathBuf;
use std::sync::Arc;

use crate::files::budget::BufferBudget;
use crate::fill::Fill;
use crate::places::Places;
use crate::request_buffer::RequestBuffers;
use crate::response_buffer::buffers::ResponseBuffers;

/// The bounds of the whole host, but for those of the request path alone.
#[derive(Clone)]
pub struct Bounds {
    /// Requests in guests.
    pub places: Arc<Places>,
    /// Pieces of static files.
    pub files: BufferBudget,
    /// Bodies of requests.
    pub requests: RequestBuffers,
    /// What guests have written.
    pub responses: ResponseBuffers,
}

impl Bounds {
    /// Those of a host without places and without a folder for files.
    pub fn none() -> Bounds {
        let (places, files) = (Places::new(0, 0), BufferBudget::new(0));
        let requests = RequestBuffers::new(PathBuf::new(), 0);
        Bounds { places, files, requests, responses: ResponseBuffers::default() }
    }

    /// Each by its name and unit: places, or bytes.
    pub fn fills(&self) -> Vec<(&'static str, Fill)> {
        let [request_memory, upload_buffer] = self.requests.fills();
        let [response_memory, response_buffer] = self.responses.fills();
        vec![
            ("instances_max", self.places.fill()),
            ("static_files_bytes", self.files.fill()),
            ("upload_memory_bytes", request_memory),
            ("upload_buffer_bytes", upload_buffer),
            ("response_memory_bytes", response_memory),
            ("response_buffer_bytes", response_buffer),
        ]
    }
}
