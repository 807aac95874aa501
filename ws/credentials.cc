#include "ws/credentials.h"

#include <algorithm>

#include "core/base64.h"
#include "core/query.h"
#include "core/secret.h"
#include "core/text.h"

namespace wgr::ws {
namespace {

const Token* find_token(std::string_view shown, std::span<const Token> tokens) {
  const Token* found = nullptr;
  for (const Token& token : tokens) {
    const bool is_it = !token.secret.empty() && equal_secret(bytes_of(token.secret), bytes_of(shown));
    if (is_it && found == nullptr) found = &token;
  }
  return found;
}

// RFC 7235: a scheme in any case, then the credentials.
std::string token_of_authorization(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string scheme = to_lower(header.substr(0, space));
  const std::string_view shown = trim(header.substr(space));
  if (scheme == "bearer") return std::string{shown};
  if (scheme != "basic") return {};
  const auto decoded = from_base64(shown);
  if (!decoded) return {};
  const std::string_view user_and_password = text_of(*decoded);
  const std::size_t colon = user_and_password.find(':');
  return std::string{colon == std::string_view::npos ? "" : user_and_password.substr(colon + 1)};
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
  if (const auto shown = query_value(request.query, "token")) consider(decode_percent(*shown));
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
