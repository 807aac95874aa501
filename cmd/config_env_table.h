// Which environment variable stands for which key of the configuration.
//
// Thread: immutable tables.
#pragma once

#include <string_view>
#include <vector>

namespace wgr {

enum class VariableKind {
  kSame,          // written as in the file
  kMicroseconds,  // a whole number of them, for a duration
  kMilliseconds,
  kSeconds,
  kFalsehood,  // a boolean that means the opposite of the key's
  kSpecial,    // read by a function of its own
  kNoMeaning,  // of a design that is not ours: accepted, and said to have no effect
};

struct Variable {
  std::string_view name;
  std::string_view path;  // empty for kNoMeaning
  VariableKind kind = VariableKind::kSame;
};

const std::vector<Variable>& variables();

// nullptr when there is none. Families such as FLOW_* are found by their prefix.
const Variable* find_variable(std::string_view name);

}  // namespace wgr
