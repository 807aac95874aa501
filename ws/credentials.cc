#include "ws/credentials.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/secret.h"
#include "core/text.h"

namespace wgr::ws {
namespace {

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

const Token* find_token(std::string_view shown, std::span<const Token> tokens) {
  const Token* found = nullptr;
  for (const Token& token : tokens) {
    const bool is_it = !token.secret.empty() && equal_secret(bytes_of(token.secret), bytes_of(shown));
    if (is_it && found == nullptr) found = &token;
  }
  return found;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// RFC 3986 2.1. What is no escape stays as it is.
std::string decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      decoded.push_back(text[i]);
      continue;
    }
    decoded.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return decoded;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// RFC 4648 4, padded or not; empty if it is not that.
std::string decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return {};
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return decoded;
}

std::string token_of_query(std::string_view query) {
  constexpr std::string_view kName = "token=";
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (query.substr(0, end).starts_with(kName)) {
      return decode_percent(query.substr(kName.size(), end - kName.size()));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

// RFC 7235: a scheme in any case, then the credentials.
std::string token_of_authorization(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string scheme = to_lower(header.substr(0, space));
  const std::string_view shown = trim(header.substr(space));
  if (scheme == "bearer") return std::string{shown};
  if (scheme != "basic") return {};
  const std::string user_and_password = decode_base64(shown);
  const std::size_t colon = user_and_password.find(':');
  return colon == std::string::npos ? std::string{} : user_and_password.substr(colon + 1);
}

}  // namespace

Credentials find_credentials(const HttpRequest& request, std::span<const std::string> subprotocols,
                             std::span<const Token> tokens) {
  Credentials credentials{.token = nullptr, .path = request.path};
  const auto consider = [&](std::string_view shown) {
    const Token* const found = find_token(shown, tokens);
    if (credentials.token == nullptr) credentials.token = found;
    return found != nullptr;
  };
  if (request.path.starts_with('/')) {
    const std::size_t end = std::min(request.path.find('/', 1), request.path.size());
    if (consider(decode_percent(std::string_view{request.path}.substr(1, end - 1)))) {
      credentials.path = end == request.path.size() ? "/" : request.path.substr(end);
    }
  }
  consider(token_of_query(request.query));
  for (const std::string& offered : subprotocols) {
    if (offered.starts_with(kBearerSubprotocol))
      consider(std::string_view{offered}.substr(kBearerSubprotocol.size()));
  }
  for (const auto& [name, value] : request.headers) {
    if (name == "authorization") consider(token_of_authorization(value));
  }
  return credentials;
}

}  // namespace wgr::ws
