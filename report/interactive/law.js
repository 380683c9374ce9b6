// The transfer law in the browser: what analysis/allocate.py computes, for one law at a time.
// A law is {A, G, alpha, beta, E}: L(p, f) = (A·p^-alpha + G)·f^-beta + E, nats per token (Barnett 2024, eq. 1).

const transferLaw = (() => {
  const HALVINGS = 48; // of an interval of logarithms; a screen shows fewer digits than are left

  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

  const loss = (law, p, f) => (law.A * p ** -law.alpha + law.G) * f ** -law.beta + law.E;

  // The data points that bring p steps to a loss; infinite where none do.
  const pointsFor = (law, target, p) =>
    target > law.E ? ((law.A * p ** -law.alpha + law.G) / (target - law.E)) ** (1 / law.beta) : Infinity;

  // The p and f of least loss with costStep·p + costPoint·f <= budget, or null where it does not pay for one of each.
  // The first-order condition and its one root are those of analysis/allocate.py.
  function allocate(law, budget, costStep, costPoint) {
    if (costStep + costPoint > budget) return null;
    const stepsHelp = law.A > 0 && law.alpha > 0;
    const pointsHelp = law.beta > 0 && law.A + law.G > 0;
    const mostSteps = Math.max(1, (budget - costPoint) / costStep);
    const mostPoints = Math.max(1, (budget - costStep) / costPoint);
    let steps = stepsHelp ? mostSteps : 1;
    let points = pointsHelp ? mostPoints : 1;
    if (stepsHelp && pointsHelp) {
      // x is the logarithm of costPoint·f / (costStep·p).
      const excess = (x) => {
        const logSteps = Math.log(budget / costStep) - softplus(x);
        const removable = Math.log(law.A) - law.alpha * logSteps;
        return x + Math.log(law.alpha) - softplus(Math.log(law.G) - removable) - Math.log(law.beta);
      };
      let low = Math.log(costPoint) - Math.log(Math.max(budget - costPoint, costStep));
      let high = Math.max(low, Math.log(Math.max(budget - costStep, costPoint)) - Math.log(costStep));
      for (let i = 0; i < HALVINGS; i++) {
        const middle = (low + high) / 2;
        if (excess(middle) < 0) low = middle;
        else high = middle;
      }
      const x = (low + high) / 2;
      steps = Math.min(Math.max((budget / costStep) * Math.exp(-softplus(x)), 1), mostSteps);
      points = Math.min(Math.max((budget / costPoint) * Math.exp(-softplus(-x)), 1), mostPoints);
    }
    const cost = costStep * steps + costPoint * points;
    return { steps, points, share: (costPoint * points) / cost, loss: loss(law, steps, points), cost };
  }

  // The q-quantile of numbers, linear between neighbours.
  function quantile(values, q) {
    const sorted = Float64Array.from(values).sort();
    const at = q * (sorted.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  // The middle 95 % of numbers; null where there are none.
  const interval = (values) => (values.length ? [quantile(values, 0.025), quantile(values, 0.975)] : null);

  return { loss, pointsFor, allocate, interval };
})();
