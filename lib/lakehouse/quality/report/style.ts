/**
 * The page's looks: the tokens of the project's one look (`lib/kit/look/tokens.ts`, which stands above this room; a test
 * holds both equal), for light and dark.
 */
const LIGHT = `--paper:#FBFCFE;--raised:#F1F4F9;--line:#D8E0EA;--ink:#10233A;--ink-soft:#45566B;--ink-faint:#596879;
--grey:#9AA7B5;--amber:#B26A00;--amber-text:#945800;--red:#C23B3B;--red-text:#B83434;--green:#2B8A3E;--green-text:#237434;--ice-text:#2460C9;`;
const DARK = `--paper:#0E1726;--raised:#162235;--line:#2A3A52;--ink:#E6EDF7;--ink-soft:#B3C0D2;--ink-faint:#93A3B8;
--grey:#64748B;--amber:#DD9B3B;--amber-text:#E5A549;--red:#E97878;--red-text:#F08A8A;--green:#5DBB71;--green-text:#6CC97F;--ice-text:#86B0F8;`;

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 Inter,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:34px;line-height:1.2;margin:0 0 8px;overflow-wrap:anywhere}
h2{font-size:17px;line-height:1.4;margin:0;font-weight:600;overflow-wrap:anywhere}
code,td,th{font-family:"JetBrains Mono",ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:14px}
.table{font-size:17px;color:var(--ink-soft);margin:0 0 6px;font-weight:600;overflow-wrap:anywhere}
.facts{color:var(--ink-faint);font-size:14px;margin:0 0 28px;display:flex;flex-wrap:wrap;gap:2px 20px;overflow-wrap:anywhere}
.strip{display:flex;gap:3px;height:12px;margin:0 0 10px}
.strip i{flex:1;border-radius:2px;min-width:2px}
.counts{list-style:none;display:flex;flex-wrap:wrap;gap:4px 24px;padding:0;margin:0 0 32px;font-size:15px}
.fail{--mark:var(--red);--text:var(--red-text)}.warn{--mark:var(--amber);--text:var(--amber-text)}.pass{--mark:var(--green);--text:var(--green-text)}
.strip i{background:var(--mark)}
.counts b,.state{color:var(--text)}
.check{border-top:1px solid var(--line);padding:16px 0 14px;display:grid;grid-template-columns:96px minmax(0,1fr) 208px;gap:4px 20px;align-items:start}
.check:last-child{border-bottom:1px solid var(--line)}
.state{font-weight:700;font-size:15px;line-height:1.6}
.state::before{content:"";display:inline-block;width:10px;height:10px;border-radius:50%;background:var(--mark);margin-right:8px}
.fail .state::before{border-radius:1px}.warn .state::before{border-radius:1px;transform:rotate(45deg)}
.said{margin:2px 0 0;color:var(--ink-soft);font-size:15px;overflow-wrap:anywhere}
.about{margin:2px 0 0;color:var(--ink-faint);font-size:14px;overflow-wrap:anywhere}
.trend{margin:0;text-align:right;color:var(--ink-faint);font-size:12px;line-height:1.4}
.trend svg{display:block;width:100%;height:40px;margin-bottom:3px}
.more{grid-column:2/-1;min-width:0}
summary{cursor:pointer;color:var(--ice-text);font-size:15px;padding:4px 0}
summary:focus-visible,.rows:focus-visible{outline:2px solid var(--ice-text);outline-offset:2px}
.rows{overflow-x:auto;background:var(--raised);border-radius:6px;padding:2px 0;margin-top:6px}
table{border-collapse:collapse;min-width:100%}
th,td{text-align:left;padding:6px 14px;vertical-align:top}
th{color:var(--ink-soft);font-weight:600;white-space:nowrap;border-bottom:1px solid var(--line)}
td bdi{display:block;width:max-content;max-width:320px;white-space:pre-wrap;overflow-wrap:break-word}
.null{color:var(--ink-faint);font-style:italic}
footer{color:var(--ink-faint);font-size:14px;margin-top:28px;overflow-wrap:anywhere}
@media (max-width:640px){main{padding:24px 16px 48px}h1{font-size:26px}
.check{grid-template-columns:minmax(0,1fr) 112px;gap:2px 12px}.state{grid-column:1/-1}.more{grid-column:1/-1}}
@media print{details>summary{list-style:none}}
`;
