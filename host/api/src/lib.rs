//! REST with OpenAPI, metrics, problem documents, and the player page.
