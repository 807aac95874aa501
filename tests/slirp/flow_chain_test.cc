#include "slirp/flow_chain.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgr::slirp {
namespace {

// From the oldest; read from both ends.
std::vector<const FlowBase*> flows_of(const FlowChain& chain) {
  std::vector<const FlowBase*> flows;
  for (const FlowBase* flow = chain.oldest(); flow != nullptr; flow = flow->newer) flows.push_back(flow);
  std::size_t left = flows.size();
  for (const FlowBase* flow = chain.newest(); flow != nullptr; flow = flow->older) {
    EXPECT_EQ(flow, flows[--left]);
  }
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(chain.size(), flows.size());
  return flows;
}

using Flows = std::vector<const FlowBase*>;

TEST(FlowChainTest, KeepsTheOrderOfAddingWhoeverLeaves) {
  FlowBase a, b, c;
  FlowChain chain;
  EXPECT_EQ(flows_of(chain), Flows{});
  for (FlowBase* flow : {&a, &b, &c}) chain.add(*flow);
  EXPECT_EQ(flows_of(chain), (Flows{&a, &b, &c}));
  chain.remove(b);
  EXPECT_EQ(flows_of(chain), (Flows{&a, &c}));
  chain.remove(a);
  EXPECT_EQ(flows_of(chain), Flows{&c});
  chain.add(a);
  EXPECT_EQ(flows_of(chain), (Flows{&c, &a}));
  chain.remove(a);
  chain.remove(c);
  EXPECT_EQ(flows_of(chain), Flows{});
}

}  // namespace
}  // namespace wgr::slirp
