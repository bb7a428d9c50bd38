// Opens the explorer with the chart that the question declares, unless the reader chose one already.
const { fragment } = document.currentScript.dataset;
if (!location.hash) history.replaceState(null, "", `#${fragment}`);
