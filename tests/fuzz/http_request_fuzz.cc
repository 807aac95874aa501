// Any bytes as HTTP requests, and as a server's answer. However they are cut, the same requests come out and
// the same bytes are left; nothing exceeds its bound; what may upgrade can be answered.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/rng.h"
#include "ws/handshake.h"
#include "ws/http_message.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxHeader = 2000;
constexpr std::size_t kMaxBody = 300;

void require(bool claim) {
  if (!claim) std::abort();
}

void check(const HttpRequest& request) {
  require(request.path.starts_with('/') || request.path == "*");
  require(request.body.size() <= kMaxBody);
  for (const auto& [name, value] : request.headers) {
    require(value.find_first_of("\r\n") == std::string::npos && !name.empty());
  }
  const std::vector<std::string> offered = offered_subprotocols(request);
  if (check_upgrade(request) != UpgradeFault::kNone) return;
  const std::string text = upgrade_response(request, offered.empty() ? "" : offered.front());
  HttpAnswerParser parser{kMaxHeader + 500};
  parser.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  require(parser.state() == HttpAnswerParser::State::kComplete);
  UpgradeRequest asked;
  asked.subprotocols = offered;
  asked.key = std::string{request.header("sec-websocket-key")};
  require(!find_fault(asked, parser.answer()));
}

// Every request of the bytes, in words that can be compared.
std::string read_all(Bytes bytes, std::uint64_t seed) {
  Rng rng{seed};
  HttpRequestParser parser{kMaxHeader, kMaxBody};
  std::string words;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t left = bytes.size() - at;
    const std::size_t size = seed == 0 ? left : 1 + rng.below(std::min<std::size_t>(left, 30));
    const std::size_t taken = parser.receive(bytes.subspan(at, size));
    require(taken <= size);
    at += taken;
    if (parser.state() == HttpRequestParser::State::kFailed) {
      return words + "failed " + std::to_string(static_cast<int>(parser.fault()));
    }
    require(parser.state() == HttpRequestParser::State::kComplete || taken == size);
    if (parser.state() != HttpRequestParser::State::kComplete) continue;
    const bool keep_alive = parser.wants_keep_alive();
    const HttpRequest request = parser.take();
    check(request);
    words += std::to_string(at) + " " + request.method + " " + request.path + " " + request.query + " " +
             std::to_string(request.headers.size()) + " " + request.body + (keep_alive ? " on\n" : " off\n");
  }
  return words;
}

}  // namespace
}  // namespace wgr::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wgr::Bytes bytes{data, size};
  const std::string whole = wgr::ws::read_all(bytes, 0);
  wgr::ws::require(wgr::ws::read_all(bytes, size + 1) == whole);
  wgr::ws::HttpAnswerParser parser{wgr::ws::kMaxHeader};
  wgr::ws::require(parser.receive(bytes) <= size);
  return 0;
}
