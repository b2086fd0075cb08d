import { createKernels, Random } from "@mulde/kernels";
import { createModel } from "@mulde/kge-models";
import { factsObjective, Optimizer, trainedTables, trainSchema } from "@mulde/mulde-trainer";
const kernels = await createKernels({});
const random = new Random(1);
const ids=(n,l)=>Int32Array.from({length:n},()=>Math.floor(l*random.uniform()));
for (const N of process.argv.slice(2).map(Number)) {
  const model = await createModel({model:"RotH",dim:32,entities:N,relations:20,kernels});
  const options = trainSchema.parse({model:"RotH",dim:32,negatives:255,sparse:true});
  const o = factsObjective(model,options), opt=new Optimizer(kernels,trainedTables(model),options);
  const e=kernels.engine, c=e.call.bind(e); let P={}; const S={};
  e.call=(n,a)=>{const t=performance.now();const r=c(n,a);P[n]=(P[n]??0)+performance.now()-t;return r;};
  const T=[];
  for(let s=0;s<80;s++){P={};const b={epoch:0,step:s,heads:ids(500,N),relations:ids(500,40),tails:ids(500,N)};
   const t=performance.now();const{gradients}=await o.step(b);opt.update(gradients,s+1,1e-3);model.touch();const d=performance.now()-t;
   if(s>=20){T.push(d);for(const k in P)(S[k]??=[]).push(P[k]);}}
  const med=v=>v.sort((a,b)=>a-b)[v.length>>1];
  console.log(N,'step',med(T).toFixed(2),'min',T[0].toFixed(2),Object.entries(S).map(([k,v])=>[k,med(v)]).sort((a,b)=>b[1]-a[1]).map(([k,v])=>k+' '+v.toFixed(2)).join(', '));
  e.call=c; o.dispose();opt.dispose();model.dispose();
}
