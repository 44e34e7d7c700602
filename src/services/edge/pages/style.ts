/**
 * The pages' one style sheet: light and dark, from a telephone to a wide screen, without an image or a font from
 * elsewhere.
 */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --page: #f4f5f2;
  --card: #ffffff;
  --line: #e3e6df;
  --text: #1c2420;
  --soft: #5b6660;
  --accent: #166534;
  --on-accent: #ffffff;
  --accent-soft: #e6f2ea;
  --knob: #ffffff;
  --off: #8b958f;
  --fault: #b42318;
  --fault-soft: #fdecea;
  --shadow: 0 1px 2px rgb(20 30 25 / 6%), 0 8px 24px rgb(20 30 25 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111512;
    --card: #1a201c;
    --line: #2c352f;
    --text: #e8ece9;
    --soft: #a3aea7;
    --accent: #4ade80;
    --on-accent: #06210f;
    --accent-soft: #16301f;
    --knob: #f4f7f5;
    --off: #6a756e;
    --fault: #ff9b90;
    --fault-soft: #3a1a17;
    --shadow: 0 0 0 1px var(--line);
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', sans-serif;
  overflow-wrap: anywhere;
}
body:lang(ko) { word-break: keep-all; }
main { max-width: 720px; margin: 0 auto; padding: 48px 20px 24px; }
main.small { max-width: 520px; padding-top: 12vh; }
h1 { margin: 0 0 8px; font-size: 30px; line-height: 1.25; letter-spacing: -0.015em; }
h2, legend { margin: 0; padding: 0; font-size: 18px; font-weight: 650; line-height: 1.4; }
p { margin: 0; }
.lead { color: var(--soft); margin-bottom: 28px; }
.hint { color: var(--soft); font-size: 14px; line-height: 1.5; }
.card {
  margin: 0 0 20px;
  padding: 24px;
  border: 0;
  border-radius: 16px;
  background: var(--card);
  box-shadow: var(--shadow);
  min-width: 0;
}
.card > .hint { margin-top: 2px; }
/* A legend stands in its fieldset's border unless it floats. */
legend { float: left; width: 100%; }
legend + * { clear: both; }
legend + .fields { padding-top: 12px; }
legend + .toggle { padding-top: 10px; }
.notice { margin: 0 0 20px; padding: 14px 18px; border-radius: 12px; background: var(--accent-soft); font-weight: 550; }
.notice.fault { background: var(--fault-soft); color: var(--fault); }

.rows { list-style: none; margin: 12px 0 0; padding: 0; }
.toggle {
  display: flex;
  align-items: center;
  justify-content: space-between;
  gap: 16px;
  padding: 12px 0;
  cursor: pointer;
}
.rows li + li .toggle { border-top: 1px solid var(--line); }
.rows li:last-child .toggle { padding-bottom: 0; }
.toggle .hint { display: block; }

input[type='checkbox'] {
  appearance: none;
  flex: none;
  position: relative;
  width: 46px;
  height: 28px;
  margin: 0;
  border-radius: 14px;
  background: var(--off);
  cursor: pointer;
  transition: background-color 0.15s;
}
input[type='checkbox']::before {
  content: '';
  position: absolute;
  top: 3px;
  left: 3px;
  width: 22px;
  height: 22px;
  border-radius: 50%;
  background: var(--knob);
  box-shadow: 0 1px 3px rgb(0 0 0 / 30%);
  transition: transform 0.15s;
}
input[type='checkbox']:checked { background: var(--accent); }
input[type='checkbox']:checked::before { transform: translateX(18px); }
input[type='checkbox']:disabled { cursor: not-allowed; opacity: 0.55; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
@media (prefers-reduced-motion: reduce) { *, *::before { transition: none !important; } }
@media (forced-colors: active) {
  input[type='checkbox'] { appearance: auto; width: 22px; height: 22px; }
  input[type='checkbox']::before { content: none; }
}

table { width: 100%; margin-top: 12px; border-collapse: collapse; }
th, td { padding: 12px 0; text-align: left; vertical-align: middle; }
thead th { padding: 4px 0 8px; color: var(--soft); font-size: 14px; font-weight: 550; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { padding-right: 16px; font-weight: 500; }
.cell { width: 76px; text-align: center; }
.cell input { vertical-align: middle; }
.tag {
  display: inline-block;
  margin-left: 10px;
  padding: 1px 9px;
  border-radius: 9px;
  background: var(--accent-soft);
  color: var(--text);
  font-size: 12.5px;
  font-weight: 550;
  white-space: nowrap;
}
/* A channel that is switched off above lets nothing through below. */
form:has([value='channel:push']:not(:checked)) td.push,
form:has([value='channel:sms']:not(:checked)) td.sms,
form:has([value='channel:email']:not(:checked)) td.email { opacity: 0.4; }
form:has([name='quiet']:not(:checked)) .times { display: none; }
@media (max-width: 520px) {
  .cell { width: 58px; }
  .tag { display: block; width: max-content; margin: 4px 0 0; }
  main { padding: 28px 14px 16px; }
  .card { padding: 20px 18px; }
}

.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 16px; align-items: start; }
.times { grid-template-columns: repeat(2, minmax(0, 180px)); margin-top: 4px; }
.fields label { display: block; font-size: 14px; font-weight: 550; line-height: 1.5; }
select, input[type='time'] {
  display: block;
  width: 100%;
  min-height: 46px;
  margin-top: 6px;
  padding: 9px 12px;
  border: 1px solid var(--off);
  border-radius: 10px;
  background: var(--card);
  color: var(--text);
  font: inherit;
  font-size: 16px;
  font-weight: 400;
}
.actions {
  position: sticky;
  bottom: 0;
  display: flex;
  flex-wrap: wrap;
  gap: 12px;
  margin: 0 -8px;
  padding: 16px 8px 20px;
  background: linear-gradient(transparent, var(--page) 12px);
}
button, .button {
  display: inline-block;
  min-height: 48px;
  padding: 12px 26px;
  border: 1px solid transparent;
  border-radius: 12px;
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  line-height: 22px;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button.quiet { border-color: var(--off); background: var(--card); color: var(--text); }
button.link {
  min-height: 44px;
  padding: 8px 0;
  border: 0;
  background: none;
  color: var(--accent);
  font-size: 14px;
  text-align: left;
  text-decoration: underline;
}
button[hidden] { display: none; }
a { color: var(--accent); }
.small .card { padding: 32px 28px; }
.small h1 { font-size: 26px; }
.small form { margin: 24px 0 18px; }
.small .hint + a { display: inline-block; margin-top: 20px; }
footer { padding: 0 0 32px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`
