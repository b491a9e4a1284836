//! What Kimi refuses requests with, in its own words.

use super::answer::Answer;

impl Answer {
    /// 429: the engine is overloaded.
    pub fn overloaded() -> Self {
        Self::error(429, "engine_overloaded_error", "The engine is currently overloaded, please try again later")
    }

    /// 429: requests per minute.
    pub fn rate_limited(seconds: u32) -> Self {
        let words = format!("Your account reached organization max RPM: 20, please try again after {seconds} seconds");
        Self::error(429, "rate_limit_reached_error", &words)
    }

    /// 429: the balance is used up.
    pub fn quota() -> Self {
        let words = "Your account is suspended due to insufficient balance, please recharge your account";
        Self::error(429, "exceeded_current_quota_error", words)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::error(401, "invalid_authentication_error", "Invalid Authentication")
    }

    /// 403.
    pub fn forbidden() -> Self {
        Self::error(403, "permission_denied_error", "The API you are accessing is not open")
    }

    /// 404 for the model.
    pub fn unknown_model() -> Self {
        let words = "Not found the model or Permission denied";
        Self::error(404, "resource_not_found_error", words)
    }

    /// 500.
    pub fn server_error() -> Self {
        Self::error(500, "server_error", "Internal server error")
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::error(503, "server_unavailable", "The server is under maintenance")
    }

    /// 504, a web page.
    pub fn gateway_timeout() -> Self {
        let page =
            b"<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>";
        Self::raw(504, "text/html", page)
    }
}
