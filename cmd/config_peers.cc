#include "cmd/config_peers.h"

#include <algorithm>
#include <memory>

#include "cmd/config_draft.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr char kWhere[] = "environment: WG_PEERS";
constexpr char kForms[] =
    "indices like 0,1 with WG_PEER_0_PUBLIC_KEY and so on, or "
    "public_key=KEY,allowed_ips=CIDR,CIDR,endpoint=HOST:PORT,persistent_keepalive=SECONDS[,public_key=...]";

bool is_separator(char c) { return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::vector<std::string_view> split_tokens(std::string_view value) {
  std::vector<std::string_view> tokens;
  while (!value.empty()) {
    std::size_t length = 0;
    while (length < value.size() && !is_separator(value[length])) ++length;
    if (length > 0) tokens.push_back(value.substr(0, length));
    value.remove_prefix(std::min(length + 1, value.size()));
  }
  return tokens;
}

bool is_index(std::string_view token) {
  return token.size() <= 64 && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
         });
}

// The setting a field name stands for; nullptr when there is none. Structured fields are not for one line.
const PeerSetting* find_field(std::string_view name) {
  const std::string lower = to_lower(name);
  if (lower.find('.') != std::string::npos) return nullptr;
  return find_peer_setting(lower == "keepalive" ? "persistent_keepalive" : lower);
}

// A name in a message is safe to show only when it cannot be a key.
std::string shown_name(std::string_view name) {
  return name.size() <= 24 ? quote(name) : "a name of " + std::to_string(name.size()) + " characters";
}

PeerIndices read_indices(const std::vector<std::string_view>& tokens, ConfigDraft& draft) {
  PeerIndices indices;
  for (const std::string_view token : tokens) {
    if (!is_index(token)) {
      draft.problem(kWhere, "one of the indices has characters beyond letters, digits and _", kForms);
    } else if (std::find(indices.begin(), indices.end(), token) != indices.end()) {
      draft.problem(kWhere, "the index " + quote(token) + " is listed twice");
    } else {
      indices.emplace_back(token);
    }
  }
  return indices;
}

// Collects the tokens of one field before it is set, because allowed_ips may go on in the next token.
class InlineReader {
 public:
  explicit InlineReader(ConfigDraft& draft) : draft_(draft) {}

  void read(std::string_view token) {
    const std::size_t equals = token.find('=');
    if (equals == std::string_view::npos) return proceed(token);
    begin(token.substr(0, equals), token.substr(equals + 1));
  }

  void finish() {
    end_field();
    if (peer_) peer_->finish();
    peer_.reset();
  }

 private:
  // allowed_ips goes on; after a field that was a problem already, nothing more is said.
  void proceed(std::string_view token) {
    if (state_ == State::kSkipping) return;
    if (state_ == State::kInField && field_->shape == Shape::kList) {
      texts_.emplace_back(token);
      return;
    }
    draft_.problem(kWhere,
                   "a token without '=' follows no allowed_ips; the index and the inline form do not mix",
                   kForms);
  }

  void begin(std::string_view name, std::string_view value) {
    end_field();
    state_ = State::kSkipping;
    field_ = find_field(name);
    if (field_ == nullptr) {
      return draft_.problem(kWhere, shown_name(name) + " is not the name of a field", kForms);
    }
    if (field_->path == "public_key") {
      finish();
      peer_ = std::make_unique<PeerDraft>(draft_, "WG_PEERS, peer " + std::to_string(++count_));
    }
    if (!peer_) return draft_.problem(kWhere, field_->path + " comes before the first public_key", kForms);
    state_ = State::kInField;
    texts_.clear();
    if (!value.empty() || field_->shape == Shape::kScalar) texts_.emplace_back(value);
  }

  void end_field() {
    if (state_ == State::kInField) {
      peer_->set(*field_, texts_,
                 std::string{kWhere} + ": peer " + std::to_string(count_) + ": " + field_->path);
    }
    state_ = State::kIdle;
  }

  enum class State { kIdle, kInField, kSkipping };

  ConfigDraft& draft_;
  State state_ = State::kIdle;
  const PeerSetting* field_ = nullptr;
  Texts texts_;
  std::unique_ptr<PeerDraft> peer_;
  std::size_t count_ = 0;
};

}  // namespace

std::variant<PeerIndices, InlinePeers> read_peers_variable(std::string_view value, ConfigDraft& draft) {
  const std::vector<std::string_view> tokens = split_tokens(value);
  if (value.find('=') == std::string_view::npos) return read_indices(tokens, draft);
  InlineReader reader{draft};
  for (const std::string_view token : tokens) reader.read(token);
  reader.finish();
  return InlinePeers{};
}

}  // namespace wgr
