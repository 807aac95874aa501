#include "ws/page.h"

#include <string_view>

namespace wgr::ws {
namespace {

constexpr std::string_view kHead =
    "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>wgrouter</title>\n"
    "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}"
    "code{background:#8882;padding:.1em .3em}td{padding:.1em 1em .1em 0}</style></head>\n<body>\n";

// What HTML and its attributes give a meaning.
std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
  }
  return escaped;
}

std::string purpose_of(const Route& route) {
  switch (route.service) {
    case Service::kEthernet:
      return "a network card of the virtual LAN " + escape(route.network) +
             " (v86, JSLinux, jor1k, container2wasm)";
    case Service::kWireGuard:
      return "WireGuard, one message per WebSocket message";
    case Service::kDns:
      return "DNS over HTTPS";
    case Service::kMetrics:
      return "metrics for Prometheus";
    case Service::kHealth:
      return "health";
  }
  return {};
}

std::string url_of(const Visit& visit, const Route& route) {
  if (!is_websocket(route.service) || visit.host.empty()) return escape(route.path);
  return std::string{visit.is_secure ? "wss://" : "ws://"} + escape(visit.host) + escape(route.path);
}

std::string body_of(const Visit& visit, std::string_view first_words) {
  std::string body{kHead};
  body += "<h1>wgrouter</h1>\n<p>";
  body += first_words;
  body += "</p>\n<p>";
  body +=
      visit.is_secure
          ? "This connection is encrypted and your browser accepts the certificate: wss:// works from here."
          : "This connection is not encrypted: pages of https:// sites cannot use it, only ws:// works from "
            "here.";
  body += "</p>\n<p>You come from <code>" + escape(visit.source.ip.to_string()) + "</code>, with " +
          std::to_string(visit.sessions) + (visit.sessions == 1 ? " session" : " sessions") +
          " open here.</p>\n<table>\n";
  for (const Route& route : visit.routes) {
    body += "<tr><td><code>" + url_of(visit, route) + "</code></td><td>" + purpose_of(route) + "</td></tr>\n";
  }
  body += "</table>\n</body>\n</html>\n";
  return body;
}

HttpResponse response_of(unsigned status, std::string body) {
  HttpResponse response{
      .status = status, .content_type = "text/html; charset=utf-8", .headers = {}, .body = std::move(body)};
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

HttpResponse make_page(const Visit& visit) {
  return response_of(
      200, body_of(visit, "This router gives virtual machines in browsers and WireGuard clients a network."));
}

HttpResponse make_upgrade_page(const Visit& visit) {
  HttpResponse response = response_of(
      426, body_of(visit,
                   "This address is for WebSockets: give it to a virtual machine, not to the address bar."));
  response.headers.emplace_back("Upgrade", "websocket");
  return response;
}

}  // namespace wgr::ws
