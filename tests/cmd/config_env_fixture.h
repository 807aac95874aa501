// Loads configurations from a made-up environment.
#pragma once

#include <string>

#include "cmd/config_setting.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {

class ConfigEnvTest : public ConfigTest {
 protected:
  // The key's value with only `name` set.
  std::string value_with(const std::string& name, const std::string& value, const std::string& path) {
    places_.environment = {{name, value}};
    const Texts texts = find_setting(path)->get(load());
    std::string joined;
    for (const std::string& text : texts) joined += (joined.empty() ? "" : ",") + text;
    return joined;
  }
};

}  // namespace wgr
