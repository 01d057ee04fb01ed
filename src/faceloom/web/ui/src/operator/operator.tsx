/** The operator's page, behind a PIN. */

export function Operator() {
  return <main class="screen operator" />;
}
