#include "search/claims.hpp"

#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::HasSubstr;

struct Judged {
  std::vector<Claim> claims;
  std::vector<Identity> identities;

  Claim claim(std::string_view metric) const {
    for (const Claim& claim : claims) {
      if (claim.metric == metric) return claim;
    }
    throw std::out_of_range(std::string(metric));
  }
  Identity identity(std::string_view metric) const {
    for (const Identity& identity : identities) {
      if (identity.metric == metric) return identity;
    }
    throw std::out_of_range(std::string(metric));
  }
};

/// By arithmetic alone: no run.
Judged judged(const std::string& name) {
  const Scenario scenario = deployment(name);
  const Feasibility feasibility = judge_feasibility(scenario);
  return {judge_claims(scenario, feasibility, arithmetic_figures(scenario, feasibility)),
          judge_identities(scenario)};
}

TEST(Claims, AreHeldAgainstTheDimensions) {
  const Judged report = judged("ep16-dp4");

  const Claim parameters = report.claim("model.parameters_total");
  EXPECT_EQ(parameters.state, ClaimState::fails);
  // 16 layers of 64 experts of two 4096 x 16384 matrices; attention; a tied vocabulary.
  EXPECT_NEAR(*parameters.found, 137.439e9 + 1.074e9 + 0.131e9, 0.03e9);
  EXPECT_THAT(parameters.reason, HasSubstr("137.4 B"));
}

TEST(Claims, NameTheUnitThatWasMistaken) {
  const Claim experts = judged("single-t4").claim("model.expert_bytes");

  EXPECT_EQ(experts.state, ClaimState::fails);
  EXPECT_THAT(experts.reason, HasSubstr("GiB, written as GB"));
}

TEST(Claims, ComeWithTheArithmeticBehindWhatHolds) {
  const Claim columns = judged("tp8-512-option-1").claim("division.hidden_columns");

  EXPECT_EQ(columns.state, ClaimState::holds);
  EXPECT_EQ(columns.reason, "1024 columns ÷ tp 4");
}

TEST(Claims, OfTimesBelowPeakRateFailWithoutARun) {
  const Claim latency = judged("ep64-corrected").claim("latency_s");

  EXPECT_FALSE(latency.found.has_value());
  EXPECT_EQ(latency.state, ClaimState::fails);
  EXPECT_THAT(latency.reason, HasSubstr("computing alone takes"));
}

TEST(Claims, StayOpenWhenOnlyARunCanTell) {
  EXPECT_EQ(judged("ep16-memory").claim("gpu_busy_fraction").state, ClaimState::open);
}

TEST(Claims, ContradictOneAnother) {
  const Judged report = judged("ep64-corrected");

  const Identity rate = report.identity("sequences_per_s");
  EXPECT_FALSE(rate.holds);
  EXPECT_EQ(rate.implied, 16000.0);
  EXPECT_EQ(rate.formula, "128 sequences in 8.000 ms are 16000 a second");
}

TEST(Claims, ConfirmOneAnother) {
  EXPECT_TRUE(judged("ep16-memory").identity("memory.peak_bytes").holds);
  EXPECT_TRUE(judged("ep16-memory").identity("tokens_per_s").holds);
  EXPECT_TRUE(judged("tp8-512-option-1").identity("sequences_per_s").holds);
  EXPECT_TRUE(judged("single-t4").identity("memory.peak_fraction").holds);
}

TEST(Claims, MixGigabytesAndGibibytesInOnePercentage) {
  const Identity fraction = judged("ep16-dp4").identity("memory.peak_fraction");

  EXPECT_FALSE(fraction.holds);
  EXPECT_THAT(fraction.reason, HasSubstr("one of the two numbers is in GB, the other in GiB"));
}

TEST(Claims, CountFourBytesInMebibytesForTwoInMegabytes) {
  const Identity share = judged("tp8-512-option-1").identity("memory.parameters");

  EXPECT_NEAR(share.implied, 117.1875e6, 1.0);
  EXPECT_THAT(share.reason, HasSubstr("MiB, written as MB"));
  EXPECT_THAT(share.reason, HasSubstr("4 for 2"));
}

}  // namespace
}  // namespace orrery
